package syntax

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind names the JSON type of a decoded value, as a sentence needs it.
func Kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

// ThereAre names what there is, for someone who named what there is not.
func ThereAre[V any](things map[string]V) string {
	names := make([]string, 0, manyNames+1)
	for name := range things {
		at, _ := slices.BinarySearch(names, name)
		if names = slices.Insert(names, at, name); len(names) > manyNames {
			names = names[:manyNames]
		}
	}
	for i := range names {
		names[i] = strconv.Quote(names[i])
	}
	switch n := len(things); {
	case n == 0:
		return "there are none"
	case n == 1:
		return "there is " + names[0]
	case n > manyNames:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names, ", "), n-manyNames)
	default:
		return "there are " + strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// manyNames is how many names a sentence can bear.
const manyNames = 12

// NotJSON says where and why data is not JSON, given the error of decoding it.
func NotJSON(data []byte, err error) string {
	offset, what := int64(len(data)), err.Error()
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = s.Offset
	} else if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = t.Offset - 1 // of the number's last byte
		what = t.Value + " is out of range"
	}
	line, column := Position(data, offset)
	return fmt.Sprintf("line %d, column %d: %s", line, column, what)
}
