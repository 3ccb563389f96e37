package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// An object is a JSON object whose members keep their order and, until they
// are edited, their spelling.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

// parseObject reads text, which may be spelt with white space. what names it
// in the error.
func parseObject(what string, text []byte) (object, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, &UsageError{Message: fmt.Sprintf("%s is not JSON: %v", what, err)}
	}
	dec := json.NewDecoder(&compact)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, &UsageError{Message: what + " is not a JSON object"}
	}
	var o object
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		name, _ := t.(string) // the name of a member is always one
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		o.put(name, value)
	}
	return o, nil
}

// get returns the value of a member, or nil.
func (o object) get(name string) json.RawMessage {
	if i := o.index(name); i >= 0 {
		return o[i].value
	}
	return nil
}

// text returns the value of a member if that is a string.
func (o object) text(name string) (s string, ok bool) {
	value := o.get(name)
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// put gives a member a value. A member that is not there yet comes last.
func (o *object) put(name string, value json.RawMessage) {
	if i := o.index(name); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

// drop removes a member.
func (o *object) drop(name string) {
	*o = slices.DeleteFunc(*o, func(m member) bool { return m.name == name })
}

func (o object) index(name string) int {
	return slices.IndexFunc(o, func(m member) bool { return m.name == name })
}

func (o object) names() []string {
	names := make([]string, len(o))
	for i, m := range o {
		names[i] = m.name
	}
	return names
}

// encode writes o without white space.
func (o object) encode() []byte {
	text := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, quote(m.name)...)
		text = append(text, ':')
		text = append(text, m.value...)
	}
	return append(text, '}')
}

// quote writes s as JSON, without the escapes that only HTML needs: flagd looks
// for variants by their plain names.
func quote(s string) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be encoded
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// elements returns the elements of a JSON array, or nil of anything else.
func elements(text []byte) []json.RawMessage {
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil
	}
	return list
}

// pointer escapes a name for a JSON pointer.
func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
