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
	s := speller{dec: json.NewDecoder(bytes.NewReader(data))}
	s.dec.UseNumber()
	s.value("", 0)
	return s.found
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

type speller struct {
	dec   *json.Decoder
	found []Finding
}

// value reads one value, and is false if there is no more to be read: what is
// not JSON at all is for others to tell.
func (s *speller) value(at string, depth int) bool {
	token, err := s.dec.Token()
	if err != nil {
		return false
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return true
	}
	if depth == MaxDepth {
		s.found = append(s.found, Finding{
			Pointer: at, Severity: SeverityError, Code: CodeTooDeep,
			Message: fmt.Sprintf("nested more than %d deep", MaxDepth),
		})
		return false
	}
	seen := make(map[string]bool)
	for i := 0; s.dec.More(); i++ {
		step := syntax.Index(at, i)
		if delim == '{' {
			name, err := s.dec.Token()
			if err != nil {
				return false
			}
			key := fmt.Sprint(name)
			step = syntax.Pointer(at, key)
			if seen[key] {
				s.found = append(s.found, Finding{
					Pointer: step, Severity: SeverityError, Code: CodeDuplicate,
					Message: fmt.Sprintf("%q stands here twice, and only one of them can count", key),
				})
			}
			seen[key] = true
		}
		if !s.value(step, depth+1) {
			return false
		}
	}
	_, err = s.dec.Token() // the end of it
	return err == nil
}
