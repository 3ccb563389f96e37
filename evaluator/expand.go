package evaluator

import (
	"fmt"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// Bounds of what a rule may become when its references are replaced. Each of
// n evaluators may mention the next one twice, which makes 2^n.
const (
	maxExpandedValues = 1 << 20
	maxExpandedDepth  = 1_000
	bytesPerValue     = 16 // of text, for each of which it counts as one value more
)

// expand replaces every reference in v to an evaluator that there is, in the
// evaluators too. It leaves the others alone, and those that lead in a circle.
func (s *Settings) expand(v any) (any, error) {
	if s == nil || len(s.evaluators) == 0 {
		return v, nil
	}
	x := expansion{settings: s, within: make(map[string]bool)}
	v = x.expand(v, 0)
	return v, x.err
}

type expansion struct {
	settings *Settings
	within   map[string]bool // the evaluators that are being replaced
	borrowed int             // values that came from evaluators
	err      error
}

func (x *expansion) expand(v any, depth int) any {
	if len(x.within) > 0 {
		x.borrowed++
		if s, ok := v.(string); ok {
			x.borrowed += len(s) / bytesPerValue
		}
	}
	if x.err == nil && x.borrowed > maxExpandedValues {
		x.err = fmt.Errorf("has more than %d values once the evaluators it refers to are put in place", maxExpandedValues)
	}
	if x.err == nil && depth > maxExpandedDepth {
		x.err = fmt.Errorf("is nested more than %d deep once the evaluators it refers to are put in place", maxExpandedDepth)
	}
	if x.err != nil {
		return nil
	}

	switch value := v.(type) {
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = x.expand(element, depth+1)
		}
		return list
	case map[string]any:
		if name, rule, ok := x.enter(value); ok {
			defer delete(x.within, name)
			return x.expand(rule, depth)
		}
		object := make(map[string]any, len(value))
		for name, member := range value {
			object[name] = x.expand(member, depth+1)
		}
		return object
	}
	return v
}

// enter returns the rule that v refers to, and notes that it is being put in
// place, unless it is already.
func (x *expansion) enter(v any) (name string, rule any, ok bool) {
	name, ok = syntax.AsRef(v)
	if !ok || x.within[name] {
		return "", nil, false
	}
	e, ok := x.settings.evaluator(name)
	if !ok {
		return "", nil, false
	}
	x.within[name] = true
	return name, e.rule, true
}
