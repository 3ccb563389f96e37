package lint

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// name reads the name of a member and the colon.
func (s *scanner) name() (name []byte, ok bool) {
	if s.peek() != '"' {
		return nil, false
	}
	start := s.pos
	plain, ok := s.quoted()
	if !ok {
		return nil, false
	}
	s.put(node{shape: isString, plain: plain, start: int32(start + 1), end: int32(s.pos - 1)})
	name = s.data[start+1 : s.pos-1]
	if !plain {
		name, ok = unquote(s.data[start:s.pos])
	}
	if !ok || s.peek() != ':' {
		return nil, false
	}
	s.pos++
	return name, true
}

func unquote(text []byte) ([]byte, bool) {
	var name string
	err := json.Unmarshal(text, &name)
	return []byte(name), err == nil
}

// ordinary are the bytes of a string that stand for themselves.
var ordinary = func() (table [256]bool) {
	for b := range table {
		table[b] = b >= ' ' && b != '"' && b != '\\'
	}
	return table
}()

// quoted reads a string. It is plain if it is written without escapes.
func (s *scanner) quoted() (plain, ok bool) {
	plain = true
	for s.pos++; s.pos < len(s.data); s.pos++ {
		b := s.data[s.pos]
		if ordinary[b] {
			continue
		}
		if b == '"' {
			s.pos++
			return plain, true
		}
		plain = false
		if b != '\\' || !s.escape() {
			return false, false
		}
	}
	return false, false
}

// escape reads all of an escape but its last byte.
func (s *scanner) escape() bool {
	s.pos++
	if s.pos >= len(s.data) {
		return false
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return false
	}
	for range 4 {
		s.pos++
		if s.pos >= len(s.data) || !isHex(s.data[s.pos]) {
			return false
		}
	}
	return true
}

func isHex(b byte) bool { return isDigit(b) || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func (s *scanner) word(want string, k shape) bool {
	start := s.pos
	if !bytes.HasPrefix(s.data[start:], []byte(want)) {
		return false
	}
	s.pos += len(want)
	s.put(node{shape: k, start: int32(start), end: int32(s.pos)})
	return true
}

// safeDigits are so few that a number that has no exponent and no more of them
// can be told.
const safeDigits = 300

// number reads a number that can be told.
func (s *scanner) number() bool {
	start := s.pos
	s.skip('-')
	if !s.skip('0') && !s.digits() {
		return false
	}
	if s.skip('.') && !s.digits() {
		return false
	}
	exponent := s.skip('e') || s.skip('E')
	if exponent {
		if !s.skip('-') {
			s.skip('+')
		}
		if !s.digits() {
			return false
		}
	}
	if !exponent && s.pos-start <= safeDigits {
		return true
	}
	_, err := strconv.ParseFloat(string(s.data[start:s.pos]), 64)
	return err == nil
}

func (s *scanner) skip(b byte) bool {
	if s.pos == len(s.data) || s.data[s.pos] != b {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	return s.pos > start
}
