package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/structwire"
)

// maxDepth bounds how deep a context may nest. It is far beyond any real one,
// and stops at a map that contains itself.
const maxDepth = 100

var (
	errTooDeep = errors.New("nested too deep")
	errBroke   = errors.New("encoding it panics")
)

// A mistake is a value of a context that JSON does not have.
type mistake struct {
	attribute string
	err       error
}

func (m *mistake) Error() string { return fmt.Sprintf("context attribute %q: %v", m.attribute, m.err) }

func (m *mistake) Unwrap() error { return m.err }

// check says which value of fc JSON does not have, if there is one, among those of
// members, or among all if members are not known. What JSON has means what
// encoding/json makes of it, to [normalise] as to the evaluator.
func check(fc openfeature.FlattenedContext, members []string, known bool) error {
	if known {
		for _, name := range members {
			if err := checkValue(name, fc[name]); err != nil {
				return err
			}
		}
		return nil
	}
	for name, value := range fc {
		if err := checkValue(name, value); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(name string, value any) error {
	switch value.(type) {
	case string, bool, int, nil: // without a call, for what most values are
		return nil
	}
	if _, _, err := plainValue(value, maxDepth); err != nil {
		return &mistake{name, err}
	}
	return nil
}

// normalise reduces the values of fc to what JSON has: nil, bool, string,
// numbers of Go's own types, []any and map[string]any, which is what is sent and
// what answers are kept for. A context that is plain already is returned as it
// is, and said to be the same. Values that JSON does not have are left out, and
// returned as mistakes.
func normalise(fc openfeature.FlattenedContext) (ec evaluator.Context, same bool, wrong []*mistake) {
	for key, value := range fc {
		plain, asItWas, err := plainValue(value, maxDepth)
		if asItWas && err == nil && utf8.ValidString(key) {
			continue
		}
		if ec == nil {
			ec = maps.Clone(evaluator.Context(fc))
		}
		delete(ec, key)
		if err != nil {
			wrong = append(wrong, &mistake{key, err})
			continue
		}
		ec[validText(key)] = plain
	}
	if ec == nil {
		return evaluator.Context(fc), true, nil
	}
	return ec, false, wrong
}

// plainValue returns v in plain form, and whether that is v itself. A value
// that is plain already is returned in the interface that it came in, because
// to put it in a new one allocates.
func plainValue(v any, depth int) (plain any, same bool, err error) {
	switch value := v.(type) {
	case nil, bool:
		return v, true, nil
	case string:
		if !utf8.ValidString(value) {
			return validText(value), false, nil
		}
		return v, true, nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, false, fmt.Errorf("%v is not a number that JSON has", value)
		}
		return v, true, nil
	case time.Duration:
		return float64(value), false, nil
	case []any:
		if value == nil { // null, as encoding/json has it
			return nil, false, nil
		}
		list, same, err := plainList(value, depth)
		if same || err != nil {
			return v, same, err
		}
		return list, false, nil
	case map[string]any:
		if value == nil {
			return nil, false, nil
		}
		object, same, err := plainMap(value, depth)
		if same || err != nil {
			return v, same, err
		}
		return object, false, nil
	}
	if _, ok := structwire.Number(v); ok {
		return v, true, nil
	}
	plain, err = throughJSON(v)
	return plain, false, err
}

// validText replaces bytes that are not UTF-8, which protobuf refuses, the
// way encoding/json does.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func plainList(v []any, depth int) (plain []any, same bool, err error) {
	if depth == 0 {
		return nil, false, errTooDeep
	}
	plain, same = v, true
	for i, element := range v {
		p, asItWas, err := plainValue(element, depth-1)
		if err != nil {
			return nil, false, err
		}
		if asItWas {
			continue
		}
		if same {
			plain, same = slices.Clone(v), false
		}
		plain[i] = p
	}
	return plain, same, nil
}

func plainMap(v map[string]any, depth int) (plain map[string]any, same bool, err error) {
	if depth == 0 {
		return nil, false, errTooDeep
	}
	plain, same = v, true
	for key, member := range v {
		p, asItWas, err := plainValue(member, depth-1)
		if err != nil {
			return nil, false, err
		}
		if asItWas && utf8.ValidString(key) {
			continue
		}
		if same {
			plain, same = maps.Clone(v), false
		}
		delete(plain, key)
		plain[validText(key)] = p
	}
	return plain, same, nil
}

// throughJSON has encoding/json decide. What v does meanwhile is not ours: its
// methods may panic.
func throughJSON(v any) (plain any, err error) {
	defer func() {
		if recover() != nil {
			plain, err = nil, errBroke
		}
	}()
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &plain)
	return plain, err
}
