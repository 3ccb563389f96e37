package evaluator

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// decode returns the JSON value that is the whole of data.
func decode[T any](data []byte) (v T, found mistakes) {
	err := json.Unmarshal(data, &v)
	if err == nil {
		return v, nil
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && !strings.HasPrefix(t.Value, "number ") {
		found.add("", "is %s, want an object", article(t.Value))
		return v, found
	}
	found.add("", "%s", syntax.NotJSON(data, err))
	return v, found
}

// article turns encoding/json's word for a kind of value into ours.
func article(value string) string {
	switch value {
	case "bool":
		return "a boolean"
	case "array":
		return "an array"
	default:
		return "a " + value
	}
}

// objectMember returns the member name of m, which must be an object or null
// if it is there.
func objectMember(m map[string]any, name string, found *mistakes) map[string]any {
	key, v, _ := member(m, name)
	object, ok := v.(map[string]any)
	if !ok && v != nil {
		found.add(syntax.Pointer("", key), "is %s, want an object", syntax.Kind(v))
	}
	return object
}

// stringMember is [objectMember] for strings.
func stringMember(m map[string]any, name string, found *mistakes) string {
	key, v, _ := member(m, name)
	s, ok := v.(string)
	if !ok && v != nil {
		found.add(syntax.Pointer("", key), "is %s, want a string", syntax.Kind(v))
	}
	return s
}

// member returns the member of m that flagd takes for name. Like all users of
// encoding/json it does not mind upper and lower case; as it sorts an object
// before it reads it, the last in byte order counts.
func member(m map[string]any, name string) (key string, v any, ok bool) {
	for k, value := range m {
		if strings.EqualFold(k, name) && (!ok || k > key) {
			key, v, ok = k, value, true
		}
	}
	return key, v, ok
}

// encode cannot fail: it is given what was decoded from JSON.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return data
}
