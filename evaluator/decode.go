package evaluator

import (
	"encoding/json"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/internal/jsontree"
)

// decode returns the JSON value that is the whole of data.
func decode(data []byte) (v any, found mistakes) {
	v, _, ok := jsontree.Decode(data)
	if ok {
		return v, nil
	}
	err := json.Unmarshal(data, &v) // which says what is wrong
	if err == nil {
		return v, nil
	}
	found.add("", "%s", syntax.NotJSON(data, err))
	return nil, found
}

// decodeObject is [decode] for an object, or null in the place of one.
func decodeObject(data []byte) (map[string]any, mistakes) {
	v, found := decode(data)
	object, ok := v.(map[string]any)
	if !ok && v != nil {
		found.add("", "is %s, want an object", syntax.Kind(v))
	}
	return object, found
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
