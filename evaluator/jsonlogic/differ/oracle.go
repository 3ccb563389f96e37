package differ

import (
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/diegoholiveira/jsonlogic/v3"

	"github.com/flagline/flagline/evaluator/reference"
)

// An Answer is what a rule yields: a decoded JSON value, or a failure.
type Answer struct {
	Value  any
	Failed bool
}

// String returns the answer as JSON, or the word error.
func (a Answer) String() string {
	if a.Failed {
		return "error"
	}
	return Text(a.Value)
}

// Text returns v as JSON, or why it has none.
func Text(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// AnswerOf returns what an evaluation returned as an answer. A value that JSON
// cannot carry is a failure: nobody would get to see it.
func AnswerOf(v any, err error) Answer {
	if err != nil {
		return Answer{Failed: true}
	}
	v, ok := carried(v)
	return Answer{Value: v, Failed: !ok}
}

// carried returns v as JSON would bring it to the other side.
func carried(v any) (any, bool) {
	switch v := v.(type) {
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int: // which flagd's engine returns for {"-": []}
		return float64(v), true
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			ok := true
			if list[i], ok = carried(element); !ok {
				return nil, false
			}
		}
		return list, true
	case map[string]any:
		o := make(map[string]any, len(v))
		for name, member := range v {
			ok := true
			if o[name], ok = carried(member); !ok {
				return nil, false
			}
		}
		return o, true
	}
	return v, true
}

// Prepare makes flagd register its operators with its engine, which is what
// happens when something is evaluated for the first time.
func Prepare() {
	(&reference.Flag{Targeting: []byte(`true`)}).Evaluate(nil)
}

// flagd returns the answer of flagd's own engine.
func flagd(rule, data any) Answer {
	return AnswerOf(jsonlogic.ApplyInterface(rule, data))
}

// A Verdict says how an answer compares with flagd's.
type Verdict struct {
	Right  bool
	Want   Answer // what flagd answers, or would if data were data to it
	Exempt string // why the answer need not be flagd's, "" if it must
}

// Judge compares got, the answer in the context i, with flagd's.
func (c *Case) Judge(i int, got Answer) Verdict {
	ec := &c.Contexts[i]
	if ec.Seen == nil {
		return c.judgeUnreadable(ec, got)
	}
	v := Verdict{}
	if isInert(ec.Seen) && !c.holdsData {
		v.Want = flagd(c.Rule, ec.Seen)
	} else {
		v.Want = c.inertAnswer(ec.Seen)
		if !c.poisonedAnswer(ec.Seen).Equal(v.Want) {
			v.Exempt = "data executed as a rule"
		}
	}
	if v.Right = got.Equal(v.Want); !v.Right && hasBadName(ec.Given) {
		v.Right, v.Exempt = true, "a name that is not UTF-8"
	}
	return v
}

func (c *Case) inertAnswer(seen map[string]any) Answer {
	a := flagd(c.inert, padded.data(seen, false))
	return Answer{Value: revert(a.Value), Failed: a.Failed}
}

func (c *Case) poisonedAnswer(seen map[string]any) Answer {
	a := flagd(c.poisoned, poisoned.data(seen, false))
	return Answer{Value: revert(a.Value), Failed: a.Failed}
}

// judgeUnreadable accepts a failure, as flagd's answer is one whatever the
// rule reads, and what flagd answers without the values in question.
func (c *Case) judgeUnreadable(ec *Context, got Answer) Verdict {
	given, _ := readable(ec.Given)
	rest, _ := given.(map[string]any)
	seen := c.see(rest, false)
	v := Verdict{Want: Answer{Failed: true}, Exempt: "a value that JSON cannot carry"}
	v.Right = got.Failed || got.Equal(c.inertAnswer(seen.Seen))
	return v
}

// readable returns v without what JSON cannot carry.
func readable(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil, true
		}
		o := make(map[string]any, len(v))
		for name, member := range v {
			if kept, ok := readable(member); ok {
				o[name] = kept
			}
		}
		return o, true
	case []any:
		if v == nil {
			return nil, true
		}
		list := make([]any, len(v))
		for i, element := range v {
			list[i], _ = readable(element)
		}
		return list, true
	}
	return decoded(v)
}

func hasBadName(given map[string]any) bool {
	for name := range given {
		if !utf8.ValidString(name) {
			return true
		}
	}
	return false
}

// Equal says whether two answers would be the same text of JSON.
func (a Answer) Equal(b Answer) bool {
	return a.Failed == b.Failed && (a.Failed || equal(a.Value, b.Value))
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, member := range a {
			other, ok := b[name]
			if !ok || !equal(member, other) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

// AsFlagd says whether flagd may be asked the question i, and must be agreed
// with.
func (c *Case) AsFlagd(i int) bool {
	ec := &c.Contexts[i]
	switch {
	case ec.Seen == nil, hasBadName(ec.Given), !isTame(ec.Seen), c.wild:
		return false
	case isInert(ec.Seen) && !c.holdsData:
		return true
	}
	return c.inertAnswer(ec.Seen).Equal(flagd(c.Rule, ec.Seen))
}
