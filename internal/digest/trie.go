package digest

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sort"
)

// A trie is an immutable map from the hash of a key to the hash of a value,
// that knows its own hash.
type trie struct{ root *node }

// A node is a leaf if path is not needed to go on: it has no children.
type node struct {
	sum         Sum
	key         Sum // of a leaf
	left, right *node
}

func (n *node) leaf() bool { return n.left == nil && n.right == nil }

func (t trie) sum() Sum {
	if t.root == nil {
		return Sum{}
	}
	return t.root.sum
}

// leafOf is what stands for key and value.
func leafOf(key []byte, value Sum) *node {
	k := Sum(sha256.Sum256(key))
	return &node{sum: sha256.Sum256(join(0x00, k, value)), key: k}
}

func (t trie) put(key []byte, value Sum) trie {
	return trie{insert(t.root, leafOf(key, value), 0)}
}

// putAll puts leaves, no two of which have the same key. It hashes each place
// once, however many of them come to stand below it.
func (t trie) putAll(leaves []*node) trie {
	slices.SortFunc(leaves, func(a, b *node) int { return bytes.Compare(a.key[:], b.key[:]) })
	return trie{insertAll(t.root, leaves, 0)}
}

func (t trie) remove(key []byte) trie {
	return trie{without(t.root, sha256.Sum256(key), 0)}
}

// insert returns n with leaf in it. All leaves of n agree with leaf on the
// first depth bits.
func insert(n, leaf *node, depth int) *node {
	switch {
	case n == nil, n.leaf() && n.key == leaf.key:
		return leaf
	case n.leaf():
		// Two leaves share this place: they move down until they part.
		if bit(n.key, depth) {
			return insert(branch(nil, n), leaf, depth)
		}
		return insert(branch(n, nil), leaf, depth)
	case bit(leaf.key, depth):
		return branch(n.left, insert(n.right, leaf, depth+1))
	default:
		return branch(insert(n.left, leaf, depth+1), n.right)
	}
}

// insertAll returns n with leaves in it, which are sorted by key. All of them,
// and those of n, agree on the first depth bits.
func insertAll(n *node, leaves []*node, depth int) *node {
	switch {
	case len(leaves) == 0:
		return n
	case len(leaves) == 1:
		return insert(n, leaves[0], depth)
	case n != nil && n.leaf():
		// It is one more of them, or one of them takes its place.
		if at, found := slices.BinarySearchFunc(leaves, n, func(a, b *node) int { return bytes.Compare(a.key[:], b.key[:]) }); !found {
			leaves = slices.Insert(slices.Clone(leaves), at, n)
		}
		n = nil
	}
	ones := sort.Search(len(leaves), func(i int) bool { return bit(leaves[i].key, depth) })
	var left, right *node
	if n != nil {
		left, right = n.left, n.right
	}
	return branch(insertAll(left, leaves[:ones], depth+1), insertAll(right, leaves[ones:], depth+1))
}

func without(n *node, key Sum, depth int) *node {
	switch {
	case n == nil:
		return nil
	case n.leaf():
		if n.key == key {
			return nil
		}
		return n
	}
	left, right := n.left, n.right
	if bit(key, depth) {
		right = without(right, key, depth+1)
	} else {
		left = without(left, key, depth+1)
	}
	switch {
	case left == n.left && right == n.right:
		return n
	case left == nil && right.leaf():
		return right // a subtree of one leaf is that leaf
	case right == nil && left.leaf():
		return left
	}
	return branch(left, right)
}

func branch(left, right *node) *node {
	n := &node{left: left, right: right}
	n.sum = sha256.Sum256(join(0x01, trie{left}.sum(), trie{right}.sum()))
	return n
}

func bit(s Sum, i int) bool { return s[i/8]>>(7-i%8)&1 == 1 }
