package evaluator

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/flagline/flagline/evaluator/jsonlogic"
)

// An outcome is what the result of a rule means to its flag: a variant, counted
// from 0, or one of those below.
type outcome int32

const (
	outcomeNull    outcome = -1 - iota // the default variant
	outcomeUnknown                     // a variant that there is not
	outcomeNone                        // nothing: JSON has no text for it
)

// number is o as a number from 0, which [numbered] takes back.
func (o outcome) number() int { return int(o) - int(outcomeNone) }

func numbered(n int) outcome { return outcome(n) + outcomeNone } //nolint:gosec // it was one

func (f *Flag) outcomeOfResult(result *jsonlogic.Result) outcome {
	if result.IsNull() {
		return outcomeNull
	}
	if name, ok := result.Text(); ok && isPlain(name) {
		return f.variantNamed(name)
	}
	return f.outcomeOf(result.Value())
}

// outcomeOf finds the variant that v names. As in flagd, a variant is named by
// the JSON text of the result, without any quotation marks.
func (f *Flag) outcomeOf(v any) outcome {
	switch v := v.(type) {
	case nil:
		return outcomeNull
	case bool:
		if v {
			return f.variantNamed("true")
		}
		return f.variantNamed("false")
	case string:
		if isPlain(v) {
			return f.variantNamed(v)
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return outcomeNone
	}
	return f.variantNamed(strings.ReplaceAll(string(bytes.TrimSpace(text)), `"`, ""))
}

func (f *Flag) variantNamed(name string) outcome {
	if i := f.find(name); i != none {
		return outcome(i) //nolint:gosec // as many as a document can hold
	}
	return outcomeUnknown
}

// isPlain says whether s is spelt in JSON as it is: printable ASCII without what
// encoding/json escapes.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
