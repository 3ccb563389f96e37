// Package digest computes what the bytes of an environment hash to.
//
// Two environments have the same digest exactly if they hold the same records,
// byte for byte. The digest is a hash tree, so that a change of one flag among
// 100,000 costs about twenty hashes, and it is defined over bytes alone, so
// that any language can compute it. H is SHA-256, ‖ joins bytes:
//
//	leaf(key, value)  = H(0x00 ‖ H(key) ‖ H(value))
//	trie of no leaf   = 32 zero bytes
//	trie of one leaf  = that leaf
//	trie of more      = H(0x01 ‖ trie of those whose next bit of H(key) is 0
//	                         ‖ trie of those whose next bit of H(key) is 1)
//	set               = H(0x02 ‖ H(settings), or 32 zero bytes if there are none
//	                         ‖ trie over the flags: key and body)
//	environment       = trie over the sets: name, and set as the value
//
// The bits of H(key) are taken from the first byte on, most significant bit
// first. A set without flags and settings does not exist. The vectors in
// schemas/digest-vectors.json check an implementation.
//
// The tree is the sparse Merkle tree of RFC 6962's domain separation and of
// the literature on authenticated dictionaries, with subtrees of one leaf
// folded into that leaf.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// A Sum is a SHA-256 hash.
type Sum [sha256.Size]byte

// String is s in lower-case hexadecimal.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// An Environment is the digest of an environment's records, ready to be
// updated. It is immutable: each method that changes something returns a new
// value and leaves the old one valid. The zero value holds no record.
type Environment struct {
	sets  trie
	inner map[string]set
}

type set struct {
	settings Sum // H(settings); zero if there are none
	flags    trie
}

func (s set) empty() bool { return s.settings == Sum{} && s.flags.root == nil }

func (s set) sum() Sum {
	flags := s.flags.sum()
	return sha256.Sum256(join(0x02, s.settings, flags))
}

// Sum is the digest.
func (e Environment) Sum() Sum { return e.sets.sum() }

// Sets lists the names of all flag sets in byte order.
func (e Environment) Sets() []string { return slices.Sorted(maps.Keys(e.inner)) }

// Set is the digest of one flag set; ok is false if there is none.
func (e Environment) Set(name string) (sum Sum, ok bool) {
	s, ok := e.inner[name]
	if !ok {
		return Sum{}, false
	}
	return s.sum(), true
}

// A Record is one record as the digest sees it.
type Record struct {
	Set  string
	Flag string // "" for the settings of the set
	Body []byte // nil if the record is removed
}

// With returns the digest after records were written, in their order.
func (e Environment) With(records ...Record) Environment {
	touched := make(map[string]set)
	for name, flags := range bySet(records) {
		s := e.inner[name]
		var leaves []*node
		for flag, body := range flags {
			switch {
			case flag != "" && body != nil:
				leaves = append(leaves, leafOf([]byte(flag), sha256.Sum256(body)))
			case flag != "":
				s.flags = s.flags.remove([]byte(flag))
			case body != nil:
				s.settings = sha256.Sum256(body)
			default:
				s.settings = Sum{}
			}
		}
		s.flags = s.flags.putAll(leaves)
		touched[name] = s
	}

	next := Environment{sets: e.sets, inner: make(map[string]set, len(e.inner)+len(touched))}
	maps.Copy(next.inner, e.inner)
	for name, s := range touched {
		if s.empty() {
			next.sets = next.sets.remove([]byte(name))
			delete(next.inner, name)
			continue
		}
		sum := s.sum()
		next.sets = next.sets.put([]byte(name), sha256.Sum256(sum[:]))
		next.inner[name] = s
	}
	return next
}

// bySet sorts records by set and flag. What is written more than once counts as
// it was written last, so that the order does not matter from here on, and all
// flags of a set can be put at once.
func bySet(records []Record) map[string]map[string][]byte {
	sets := make(map[string]map[string][]byte)
	for _, r := range records {
		flags, ok := sets[r.Set]
		if !ok {
			flags = make(map[string][]byte)
			sets[r.Set] = flags
		}
		flags[r.Flag] = r.Body
	}
	return sets
}

func join(domain byte, a, b Sum) []byte {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = domain
	copy(buf[1:], a[:])
	copy(buf[1+sha256.Size:], b[:])
	return buf[:]
}
