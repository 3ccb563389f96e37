package flagdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"
)

// The functions of this file take compact JSON apart by looking for the ends
// of values. They rely on [compact] having checked it.

// compact checks that data is one JSON value, and returns a copy of it without
// white space. Everything else stays as it is spelled.
func compact(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors begin files with it
	var buf bytes.Buffer
	buf.Grow(len(data))
	if err := json.Compact(&buf, data); err == nil {
		return buf.Bytes(), nil
	}
	err := json.Unmarshal(data, new(json.RawMessage)) // unlike Compact, it tells where
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, column := position(data, syntax.Offset)
		return nil, fmt.Errorf("line %d, column %d: not JSON: %w", line, column, err)
	}
	return nil, fmt.Errorf("not JSON: %w", err)
}

// position translates the number of bytes that a JSON parser had read when it
// stopped. Both results count from 1; columns count characters.
func position(data []byte, read int64) (line, column int) {
	before := data[:min(max(read-1, 0), int64(len(data)))]
	line = bytes.Count(before, []byte("\n")) + 1
	column = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return line, column
}

// A member is one name with its value, both as they are spelled.
type member struct{ quoted, value []byte }

func (m member) name() string { return unquote(m.quoted) }

// members yields the members of an object; there are none in anything else.
func members(text []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		if kindOf(text) != "an object" {
			return
		}
		for rest := text[1:]; rest[0] != '}'; {
			quoted := rest[:end(rest)]
			rest = rest[len(quoted)+1:] // and the colon
			value := rest[:end(rest)]
			if !yield(member{quoted, value}) {
				return
			}
			rest = bytes.TrimPrefix(rest[len(value):], []byte(","))
		}
	}
}

// elements yields the elements of an array.
func elements(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := text[1:]; rest[0] != ']'; {
			value := rest[:end(rest)]
			if !yield(value) {
				return
			}
			rest = bytes.TrimPrefix(rest[len(value):], []byte(","))
		}
	}
}

// end returns the length of the value that text begins with.
func end(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		if depth < 0 {
			return i // the closing bracket of what the value stands in
		}
		if depth == 0 && (text[i] == '"' || text[i] == '}' || text[i] == ']') {
			return i + 1
		}
	}
	return len(text)
}

// stringEnd returns the length of the string that text begins with.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// lookup returns the value of the last member of an object that is named so, or
// nil.
func lookup(text []byte, name string) []byte {
	var found []byte
	for m := range members(text) {
		if m.name() == name {
			found = m.value
		}
	}
	return found
}

// join makes an object.
func join(list []member) []byte {
	text := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, m.quoted...)
		text = append(text, ':')
		text = append(text, m.value...)
	}
	return append(text, '}')
}

// kindOf says what a value is, with its article, for people and for comparing.
func kindOf(text []byte) string {
	if len(text) == 0 {
		return "nothing"
	}
	switch text[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// unquote returns what a JSON string says.
func unquote(text []byte) string {
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(text, &s) // it is valid: compact checked it
	return s
}

// quote returns the JSON string that says s, without the escapes that matter
// only inside HTML.
func quote(s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string can always be encoded
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
