package wire

import (
	"fmt"
	"strings"
)

// HeadKey is the key of the record that closes a generation.
const HeadKey = "head"

// MaxKey is how long a key may be as it is spelt in a bucket, in bytes. A NATS
// server ends a connection whose lines are longer than 4,096 bytes, subjects
// of both ends among them.
const MaxKey = 1024

// A Key names one record of an environment other than head.
type Key struct {
	Set  string // the flag set, "" for the unnamed one
	Flag string // the flag, "" for the settings of the set
}

// String spells the key as it stands in the bucket: flag.<set>.<flag> or
// set.<set>.
func (k Key) String() string {
	if k.Flag == "" {
		return "set." + escapeSet(k.Set)
	}
	return "flag." + escapeSet(k.Set) + "." + escape(k.Flag)
}

// ParseKey is the reverse of [Key.String]. It takes exactly the spellings that
// String gives, so that no two keys in a bucket mean the same record.
func ParseKey(s string) (Key, error) {
	kind, rest, _ := strings.Cut(s, ".")
	set, flag, hasFlag := strings.Cut(rest, ".")
	var k Key
	var err error
	switch {
	case kind == "flag" && hasFlag && flag != "":
		k.Flag, err = unescape(flag)
	case kind == "set" && !hasFlag && set != "":
	default:
		return Key{}, fmt.Errorf("key %q: neither flag.<set>.<key> nor set.<set>", s)
	}
	if err == nil && set != emptySet {
		k.Set, err = unescape(set)
	}
	if err != nil {
		return Key{}, fmt.Errorf("key %q: %w", s, err)
	}
	if len(s) > MaxKey {
		return Key{}, fmt.Errorf("key %.40q…: %d bytes, and %d is the most", s, len(s), MaxKey)
	}
	if k.String() != s {
		return Key{}, fmt.Errorf("key %q: spelt differently from %q", s, k)
	}
	return k, nil
}

// emptySet is the token of the flag set without a name; a NATS subject has no
// empty tokens.
const emptySet = "="

func escapeSet(set string) string {
	if set == "" {
		return emptySet
	}
	return escape(set)
}

const upperHex = "0123456789ABCDEF"

// escape writes every byte outside A-Z a-z 0-9 _ - as =HH, so that any name is
// one token of a NATS subject and a legal KV key.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(s):
			hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
			if hi < 0 || lo < 0 {
				return "", fmt.Errorf("%q is not = and two upper-case hexadecimal digits", s[i:i+3])
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 2
		default:
			return "", fmt.Errorf("%q at offset %d is not allowed", c, i)
		}
	}
	return b.String(), nil
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// EncodeText makes any text fit for a header: control characters, bytes that
// are not ASCII and "%" become %HH, and so do spaces at either end. Ordinary
// English text stays as it is.
func EncodeText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c < 0x7f && c != '%' || c == ' ' && i > 0 && i < len(s)-1 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// DecodeText is the reverse of [EncodeText]. What is not well encoded is
// returned as it is: a header is shown to people, never acted upon.
func DecodeText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
