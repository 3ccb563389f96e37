package jsonlogic

import (
	"math"
	"strconv"
	"strings"
)

// A kind is the type of a value.
type kind uint8

const (
	unread kind = iota // a slot that nothing was read into; never the kind of a value
	null
	boolean
	number
	text
	array
	object
	// integer is a number of Go's type int in the engine that flagd uses. Only
	// {"-": []} and {"/": []} give one, and only === and in can tell.
	integer
	// wholeContext stands for the context, with $flagd, without copying it.
	wholeContext
)

// A value is a JSON value. It is passed by value, so that evaluating allocates
// nothing for booleans, numbers and whatever was in the context or the rule
// before.
//
// Arrays and objects hold nothing but what encoding/json decodes into any, and
// integers: see [machine.purify].
type value struct {
	ref  any     // of text, array and object: a string, a []any, a map[string]any
	num  float64 // of number; 1 or 0 of boolean
	kind kind
}

var (
	nothing = value{kind: null}
	yes     = value{kind: boolean, num: 1}
	no      = value{kind: boolean}
)

func truth(b bool) value {
	if b {
		return yes
	}
	return no
}

func numeric(f float64) value { return value{kind: number, num: f} }

func textual(s string) value { return value{kind: text, ref: s} }

func listed(list []any) value { return value{kind: array, ref: list} }

// valueOf wraps what any of an array, an object or a rule holds.
func valueOf(v any) value {
	switch of := v.(type) { // and what is text or larger stays in the box that it came in
	case nil:
		return nothing
	case bool:
		return truth(of)
	case float64:
		return numeric(of)
	case string:
		return value{kind: text, ref: v}
	case []any:
		return value{kind: array, ref: v}
	case map[string]any:
		return value{kind: object, ref: v}
	default: // the int of an integer
		return value{kind: integer}
	}
}

// any unwraps v.
func (v value) any() any {
	switch v.kind {
	case boolean:
		return v.num != 0
	case number:
		return v.num
	case integer:
		return 0
	case text, array, object:
		return v.ref
	default:
		return nil
	}
}

func (v value) text() string {
	s, _ := v.ref.(string)
	return s
}

func (v value) list() []any {
	list, _ := v.ref.([]any)
	return list
}

func (v value) object() map[string]any {
	m, _ := v.ref.(map[string]any)
	return m
}

// truthy says whether a condition takes v for true.
func (v value) truthy() bool {
	switch v.kind {
	case boolean, number: // NaN is true
		return v.num != 0
	case text:
		return v.text() != ""
	case array:
		return len(v.list()) > 0
	case object:
		return len(v.object()) > 0
	default:
		return false
	}
}

// toNumber is how comparisons see v, much as JavaScript would.
func (v value) toNumber() float64 {
	switch v.kind {
	case boolean, number:
		return v.num
	case text:
		return textToNumber(v.text())
	case array, object:
		return math.NaN()
	default:
		return 0
	}
}

func textToNumber(s string) float64 {
	if f, ok := parseFloat(s); ok {
		return f
	}
	if strings.TrimSpace(s) == "" {
		return 0
	}
	return math.NaN()
}

// toGoNumber is how arithmetic sees v. It is false for what arithmetic does not
// take: null, booleans, arrays and objects.
func (v value) toGoNumber() (float64, bool) {
	switch v.kind {
	case number, integer:
		return v.num, true
	case text:
		return textToGoNumber(v.text()), true
	default:
		return 0, false
	}
}

// textToGoNumber is 0 for what is no number, and infinite for what is too large
// for one.
func textToGoNumber(s string) float64 {
	if !mayBeNumber(s) {
		return 0
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func parseFloat(s string) (float64, bool) {
	if !mayBeNumber(s) {
		return 0, false // sooner, and without an error on the heap
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// mayBeNumber is false for most of what strconv.ParseFloat refuses.
func mayBeNumber(s string) bool {
	if s == "" {
		return false
	}
	c := s[0]
	if c == '+' || c == '-' {
		if len(s) == 1 {
			return false
		}
		s = s[1:]
		c = s[0]
	}
	switch {
	case '0' <= c && c <= '9', c == '.':
		return true
	case c == 'i', c == 'I':
		return strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")
	case c == 'n', c == 'N':
		return strings.EqualFold(s, "nan")
	}
	return false
}

// toText is how cat and substr see v. It is false for what they do not take:
// booleans, arrays and objects.
func (v value) toText() (string, bool) {
	switch v.kind {
	case null:
		return "", true
	case number, integer:
		return strconv.FormatFloat(v.num, 'f', -1, 64), true
	case text:
		return v.text(), true
	default:
		return "", false
	}
}

// toInt cuts the fraction off. What does not fit becomes the smallest integer,
// as amd64 does it.
func toInt(f float64) int {
	if f >= -(1<<63) && f < 1<<63 {
		return int(f)
	}
	return math.MinInt
}
