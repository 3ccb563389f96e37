package lint

import "github.com/flagline/flagline/evaluator/internal/syntax"

// loans are what a [reader] has to know of the evaluators that flags may
// refer to. They are worked out when they are first asked for. Nil loans lend
// nothing.
type loans struct {
	critic *critic
	known  map[string]*loan
}

func newLoans(c *critic) *loans { return &loans{critic: c, known: make(map[string]*loan)} }

// A loan is what one evaluator brings into the rules that refer to it.
type loan struct {
	ok        bool     // there is one, it leads in no circle, and constants are all
	constants []string // that it may answer with, as flagd spells them; each once
}

// enough is how many constants of an evaluator a reader remembers. One that
// has more is left to the critic.
const enough = 64

// of returns what the evaluator name lends. It is false if that is not sure.
func (l *loans) of(name string) (loan, bool) {
	if l == nil {
		return loan{}, false
	}
	found, seen := l.known[name]
	if seen {
		return *found, found.ok // not ok if this is where we come from
	}
	rule, exists := l.critic.shared()[name]
	if !exists {
		return loan{}, false
	}
	found = new(loan)
	l.known[name] = found
	found.constants, found.ok = l.borrow(rule)
	return *found, found.ok
}

// borrow works out what the rule of an evaluator lends.
func (l *loans) borrow(rule any) (constants []string, ok bool) {
	for _, name := range syntax.Refs(rule) {
		if _, ok := l.of(name); !ok {
			return nil, false
		}
	}
	seen := make(map[string]bool)
	ok = l.critic.walkResults("", rule, func(_ string, result any) bool {
		var names []string
		if name, isRef := syntax.AsRef(result); isRef {
			borrowed, _ := l.of(name)
			names = borrowed.constants
		} else if text, isText := result.(string); isText {
			names = []string{spelledOut(text)}
		}
		for _, name := range names {
			if !seen[name] {
				seen[name] = true
				constants = append(constants, name)
			}
		}
		return len(constants) <= enough
	})
	return constants, ok
}
