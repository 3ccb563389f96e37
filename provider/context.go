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
)

// maxDepth bounds how deep a context may nest. It is far beyond any real one,
// and stops at a map that contains itself.
const maxDepth = 100

var errTooDeep = errors.New("nested too deep")

// normalise reduces the values of fc to what JSON has: nil, bool, string,
// float64, []any and map[string]any. Both modes start from the result, and so
// cannot disagree about a context. A context that is plain already is
// returned as it is.
func normalise(fc openfeature.FlattenedContext) (evaluator.Context, error) {
	var ec evaluator.Context // a copy of fc, made once something differs
	for key, value := range fc {
		plain, same, err := plainValue(value, maxDepth)
		if err != nil {
			return nil, fmt.Errorf("context attribute %q: %w", key, err)
		}
		if same && utf8.ValidString(key) {
			continue
		}
		if ec == nil {
			ec = maps.Clone(evaluator.Context(fc))
		}
		delete(ec, key)
		ec[validText(key)] = plain
	}
	if ec == nil {
		return evaluator.Context(fc), nil
	}
	return ec, nil
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
	case int:
		return float64(value), false, nil
	case int64:
		return float64(value), false, nil
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
	default:
		plain, err = throughJSON(v)
		return plain, false, err
	}
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

func throughJSON(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	err = json.Unmarshal(text, &plain)
	return plain, err
}
