package lint

import (
	"bytes"
	"math"
	"slices"
	"unicode/utf8"
)

// A scanner reads JSON text from the left to the right, once. It goes on as
// long as nothing at all is wrong with how the text is written: it stops at
// whatever [Spelling] or encoding/json would object to. What that was it does
// not know, they have to be asked.
type scanner struct {
	tree

	pos  int
	keep bool     // whether the tree is wanted
	keys [][]byte // of the objects that are open, the innermost last
}

// newScanner returns a scanner that has not read anything of data. It is false
// if there is something wrong with data already.
func newScanner(data []byte) (*scanner, bool) {
	if len(data) > math.MaxInt32 || !utf8.Valid(data) {
		return nil, false
	}
	return &scanner{tree: tree{data: data}}, true
}

// value reads one value, which stands in depth objects and arrays.
func (s *scanner) value(depth int) bool {
	switch s.peek() {
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.array(depth, nil)
	case '"':
		start := s.pos + 1
		plain, ok := s.quoted()
		s.put(node{shape: isString, plain: plain, start: int32(start), end: int32(s.pos - 1)})
		return ok
	case 't':
		return s.word("true", isBool)
	case 'f':
		return s.word("false", isBool)
	case 'n':
		return s.word("null", isNull)
	default:
		start := s.pos
		ok := s.number()
		s.put(node{shape: isNumber, start: int32(start), end: int32(s.pos)})
		return ok
	}
}

// end says whether there is nothing left to read.
func (s *scanner) end() bool {
	s.peek()
	return s.pos == len(s.data)
}

// peek returns the next byte that is not white space, or 0 at the end, where
// no text has one.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch b := s.data[s.pos]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// object reads an object. Of each member it reads the name, and hands it to
// member, which reads the value; without one it reads the value too.
func (s *scanner) object(depth int, member func(name []byte) bool) bool {
	if depth == MaxDepth || s.peek() != '{' {
		return false
	}
	self, names := s.open(isObject), len(s.keys)
	for more := !s.closes('}'); more; {
		name, ok := s.name()
		if !ok {
			return false
		}
		s.keys = append(s.keys, name)
		if member == nil {
			ok = s.value(depth + 1)
		} else {
			ok = member(name)
		}
		if !ok {
			return false
		}
		if more, ok = s.more('}'); !ok {
			return false
		}
	}
	length := len(s.keys) - names
	if !distinct(s.keys[names:]) {
		return false
	}
	s.keys = s.keys[:names]
	s.close(self, length)
	return true
}

// array reads an array. It leaves its elements to element if there is one.
func (s *scanner) array(depth int, element func(i int) bool) bool {
	if depth == MaxDepth || s.peek() != '[' {
		return false
	}
	self, length := s.open(isArray), 0
	for more := !s.closes(']'); more; length++ {
		var ok bool
		if element == nil {
			ok = s.value(depth + 1)
		} else {
			ok = element(length)
		}
		if !ok {
			return false
		}
		if more, ok = s.more(']'); !ok {
			return false
		}
	}
	s.close(self, length)
	return true
}

// closes reads the end of an object or an array that turns out to be empty.
func (s *scanner) closes(end byte) bool {
	if s.peek() != end {
		return false
	}
	s.pos++
	return true
}

// more reads what follows a member or an element.
func (s *scanner) more(end byte) (more, ok bool) {
	if b := s.peek(); b != ',' && b != end {
		return false, false
	}
	s.pos++
	return s.data[s.pos-1] == ',', true
}

// few is how many names are compared with each other sooner than they are
// sorted.
const few = 8

// distinct says whether no two names are the same. It may sort them.
func distinct(names [][]byte) bool {
	if len(names) > few {
		slices.SortFunc(names, func(a, b []byte) int {
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return bytes.Compare(a, b)
		})
		for i, name := range names[1:] {
			if bytes.Equal(names[i], name) {
				return false
			}
		}
		return true
	}
	for i, name := range names {
		for _, other := range names[:i] {
			if bytes.Equal(name, other) {
				return false
			}
		}
	}
	return true
}

// put adds a node that has nothing inside.
func (s *scanner) put(n node) {
	if s.keep {
		n.next = int32(len(s.nodes) + 1)
		s.nodes = append(s.nodes, n)
	}
}

// open adds an object or an array, and reads its first byte.
func (s *scanner) open(k shape) (self int) {
	self = len(s.nodes)
	s.put(node{shape: k, start: int32(s.pos)})
	s.pos++
	return self
}

// close says what there is to say about an object or an array only at its end.
func (s *scanner) close(self, length int) {
	if s.keep {
		n := &s.nodes[self]
		n.end, n.next, n.length = int32(s.pos), int32(len(s.nodes)), int32(length)
	}
}
