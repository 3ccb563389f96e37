package jsontree

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

func (d *decoder) stringValue() (any, bool) {
	d.pos++
	if w := d.word(); w != nil {
		return w.asValue(), true
	}
	s, ok := d.string()
	return s, ok
}

// string reads a string from behind its opening quote.
func (d *decoder) string() (string, bool) {
	start, end := d.pos, d.plain(d.pos)
	if end < len(d.data) && d.data[end] == '"' {
		d.pos = end + 1
		return string(d.data[start:end]), true
	}
	return d.translated(start)
}

// translated is [decoder.string] for one that is not only ASCII that stands
// for itself.
func (d *decoder) translated(start int) (string, bool) {
	text, ok := d.text[:0], true
	for at := start; at < len(d.data); {
		switch b := d.data[at]; {
		case b == '"':
			d.pos, d.text = at+1, text
			return string(text), true
		case b == '\\':
			if text, at, ok = d.unescape(text, at+1); !ok {
				return "", false
			}
		case b < ' ':
			return "", false
		case b < utf8.RuneSelf:
			end := d.plain(at)
			text = append(text, d.data[at:end]...)
			at = end
		default:
			r, size := utf8.DecodeRune(d.data[at:])
			text = utf8.AppendRune(text, r) // U+FFFD for each byte that is not UTF-8
			at += size
		}
	}
	return "", false
}

// unescape reads an escape from behind its backslash, and appends what it
// stands for.
func (d *decoder) unescape(text []byte, at int) (appended []byte, next int, ok bool) {
	if at == len(d.data) {
		return text, at, false
	}
	b := d.data[at]
	switch b {
	case '"', '\\', '/':
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'u':
		r, ok := d.hex(at + 1)
		if !ok {
			return text, at, false
		}
		at += 5
		if !utf16.IsSurrogate(r) {
			return utf8.AppendRune(text, r), at, true
		}
		pair := utf16.DecodeRune(r, d.escaped(at))
		if pair != utf8.RuneError {
			at += 6
		}
		return utf8.AppendRune(text, pair), at, true
	default:
		return text, at, false
	}
	return append(text, b), at + 1, true
}

// escaped returns what an escape of \u and four hexadecimal digits at a place
// stands for, or -1 if none is there.
func (d *decoder) escaped(at int) rune {
	if len(d.data)-at < 2 || d.data[at] != '\\' || d.data[at+1] != 'u' {
		return -1
	}
	r, ok := d.hex(at + 2)
	if !ok {
		return -1
	}
	return r
}

// hex reads four hexadecimal digits.
func (d *decoder) hex(at int) (r rune, ok bool) {
	if len(d.data)-at < 4 {
		return 0, false
	}
	for _, b := range d.data[at : at+4] {
		switch {
		case isDigit(b):
			b -= '0'
		case 'a' <= b && b <= 'f':
			b -= 'a' - 10
		case 'A' <= b && b <= 'F':
			b -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(b)
	}
	return r, true
}

// plain returns where the ASCII that stands for itself ends that begins at at.
func (d *decoder) plain(at int) int {
	for ; len(d.data)-at >= 8; at += 8 {
		if n := plainBytes(binary.LittleEndian.Uint64(d.data[at:])); n < 8 {
			return at + n
		}
	}
	for at < len(d.data) && plainBytes(uint64(d.data[at])) > 0 {
		at++
	}
	return at
}

// plainBytes returns how many of eight bytes, the first in the lowest bits,
// are ASCII that stands for itself in a string, before one is not.
//
// A subtraction in all bytes at once sets the highest bit of those that are
// below what is taken away. It borrows from a byte only if the one before has
// been found, so the first that is found is right.
func plainBytes(b uint64) int {
	const (
		each = 0x0101010101010101
		high = 0x80 * each
	)
	quote, backslash := b^'"'*each, b^'\\'*each
	odd := b | (b-' '*each)&^b | (quote-each)&^quote | (backslash-each)&^backslash
	return bits.TrailingZeros64(odd&high) / 8
}
