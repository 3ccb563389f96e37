package doors_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
)

// A kind is what an application can ask for.
type kind string

const (
	boolean kind = "boolean"
	text    kind = "text"
	float   kind = "float"
	integer kind = "integer"
	object  kind = "object"

	anything kind = "anything" // where nobody says what they want
)

func typedKinds() []kind { return []kind{boolean, text, float, integer, object} }

// A book knows the answers to a script: what its lines say, and the values that
// the document gives to the variants. It reads the document by itself.
type book struct {
	script *scripts.Script
	values map[string]map[string]any // by flag and variant
}

// A definition is as much of a flag as a book needs.
type definition struct {
	Key      string
	Variants map[string]any
}

func newBook(t *testing.T, script *scripts.Script) *book {
	t.Helper()
	var document struct {
		Flags      json.RawMessage
		Evaluators map[string]any `json:"$evaluators"`
	}
	read(t, []byte(script.Document), &document)
	b := &book{script: script, values: make(map[string]map[string]any)}
	if document.Flags[0] == '[' {
		var flags []definition
		read(t, document.Flags, &flags)
		for _, f := range flags {
			b.values[f.Key] = f.Variants
		}
		return b
	}
	var flags map[string]definition
	read(t, document.Flags, &flags)
	for key, f := range flags {
		for name, value := range f.Variants {
			f.Variants[name] = expanded(value, document.Evaluators)
		}
		b.values[key] = f.Variants
	}
	return b
}

func read(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// expanded puts evaluators in place of references.
func expanded(v any, evaluators map[string]any) any {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["$ref"].(string); ok && len(v) == 1 {
			return expanded(evaluators[name], evaluators)
		}
		for name, member := range v {
			v[name] = expanded(member, evaluators)
		}
	case []any:
		for i, element := range v {
			v[i] = expanded(element, evaluators)
		}
	}
	return v
}

// answer is what someone gets who wants a value of kind k.
func (b *book) answer(q scripts.Question, k kind) reply {
	if q.Want.Code != "" {
		return failed(q.Want.Code)
	}
	r := reply{variant: q.Want.Variant, reason: string(q.Want.Reason), metadata: b.script.Metadata[q.Key]}
	if r.variant == "" {
		return r
	}
	value, ok := as(b.values[q.Key][r.variant], k)
	if !ok {
		return failed(evaluator.CodeTypeMismatch)
	}
	r.value = value
	return r
}

// as reads a value as a kind. A fraction is cut off for whoever wants an integer.
func as(v any, k kind) (any, bool) {
	if k == anything {
		return v, true
	}
	switch v := v.(type) {
	case bool:
		return v, k == boolean
	case string:
		return v, k == text
	case map[string]any:
		return v, k == object
	case float64:
		if k == integer {
			return int64(math.Trunc(v)), true
		}
		return v, k == float
	default:
		return nil, false // nobody can ask for an array
	}
}

func failed(code evaluator.ErrorCode) reply {
	return reply{reason: string(evaluator.ReasonError), code: string(code)}
}
