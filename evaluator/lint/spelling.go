package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// MaxDepth is how deep objects and arrays may stand in each other. Rules that
// people write stay far below; what goes beyond is made to cost whoever
// formats, compiles or shows it.
const MaxDepth = 256

// Spelling returns what is wrong with how JSON is written, whatever it means: a
// name that an object has twice, of which all but one would be lost without a
// word, bytes that are not UTF-8, and nesting beyond [MaxDepth].
func Spelling(data []byte) []Finding {
	if at := invalidUTF8(data); at >= 0 {
		line, column := syntax.Position(data, int64(at)+1)
		return []Finding{{
			Severity: SeverityError, Code: CodeNotUTF8,
			Message: fmt.Sprintf("line %d, column %d: byte 0x%02X is not UTF-8; save the file as UTF-8", line, column, data[at]),
		}}
	}
	if s := (scanner{tree: tree{data: data}}); s.value(0) {
		return nil
	}
	return spell(data)
}

// spell is [Spelling] for text in which something is wrong.
func spell(data []byte) []Finding {
	s := speller{dec: json.NewDecoder(bytes.NewReader(data))}
	s.dec.UseNumber()
	s.value()
	return s.found
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// A speller says what made a [scanner] give up, if that is a matter of
// spelling.
type speller struct {
	dec   *json.Decoder
	path  []any // names and indices that lead to where it reads
	found []Finding
}

// pointer is made when it is needed: it may be long, and the values that it
// could lead to many.
func (s *speller) pointer() (at string) {
	for _, step := range s.path {
		at = syntax.Pointer(at, fmt.Sprint(step))
	}
	return at
}

func (s *speller) fail(code Code, format string, args ...any) {
	s.found = append(s.found, Finding{s.pointer(), SeverityError, code, fmt.Sprintf(format, args...)})
}

// value reads one value, and is false if there is no more to be read: what is
// not JSON at all is for others to tell.
func (s *speller) value() bool {
	token, err := s.dec.Token()
	if err != nil {
		return false
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return true
	}
	if len(s.path) == MaxDepth {
		s.fail(CodeTooDeep, "nested more than %d deep", MaxDepth)
		return false
	}
	if !s.inside(delim == '{') {
		return false
	}
	_, err = s.dec.Token() // the end of it
	return err == nil
}

// inside reads the members of an object, or the elements of an array.
func (s *speller) inside(object bool) bool {
	last := len(s.path)
	s.path = append(s.path, nil)
	seen := make(map[any]bool)
	for i := 0; s.dec.More(); i++ {
		s.path[last] = i
		if object {
			name, err := s.dec.Token()
			if err != nil {
				return false
			}
			s.path[last] = name
			if seen[name] {
				s.fail(CodeDuplicate, "%q stands here twice, and only one of them can count", name)
			}
			seen[name] = true
		}
		if !s.value() {
			return false
		}
	}
	s.path = s.path[:last]
	return true
}
