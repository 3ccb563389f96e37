package checker

import (
	"crypto/sha256"
	"encoding/hex"
)

// A leaf is a key and its value in a trie, hashed.
type leaf struct {
	path [32]byte // hash of the key
	sum  [32]byte
}

func newLeaf(key string, value []byte) leaf {
	path := sha256.Sum256([]byte(key))
	return leaf{path, hash([]byte{0}, path, sha256.Sum256(value))}
}

// trieOf is the hash of the leaves, which agree on their first depth bits.
func trieOf(leaves []leaf, depth int) [32]byte {
	switch len(leaves) {
	case 0:
		return [32]byte{}
	case 1:
		return leaves[0].sum
	}
	var left, right []leaf
	for _, l := range leaves {
		if l.path[depth/8]&(0x80>>(depth%8)) == 0 {
			left = append(left, l)
		} else {
			right = append(right, l)
		}
	}
	return hash([]byte{1}, trieOf(left, depth+1), trieOf(right, depth+1))
}

func hash(first []byte, a, b [32]byte) [32]byte {
	return sha256.Sum256(append(append(first, a[:]...), b[:]...))
}

// digestOf is the digest of the records of an environment.
func digestOf(records map[string][]byte) string {
	settings := make(map[string][32]byte)
	flags := make(map[string][]leaf)
	sets := make(map[string]bool)
	for key, body := range records {
		set, flag, ok := parseKey(key)
		if !ok {
			continue
		}
		sets[set] = true
		if flag == "" {
			settings[set] = sha256.Sum256(body)
		} else {
			flags[set] = append(flags[set], newLeaf(flag, body))
		}
	}
	var all []leaf
	for set := range sets {
		sum := hash([]byte{2}, settings[set], trieOf(flags[set], 0))
		all = append(all, newLeaf(set, sum[:]))
	}
	sum := trieOf(all, 0)
	return hex.EncodeToString(sum[:])
}

// flagsOf counts the flags of each set.
func flagsOf(records map[string][]byte) (perSet map[string]int, all int) {
	perSet = make(map[string]int)
	for key := range records {
		if set, flag, ok := parseKey(key); ok && flag != "" {
			perSet[set]++
			all++
		}
	}
	return perSet, all
}
