// Package cowmap is an immutable map from strings: a change returns a new map
// and leaves the old one valid, and copies one shard of many rather than the
// whole. Readers need no locks.
package cowmap

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
)

// shards is how many pieces a map is copied in. With 1,024, a change of one
// key among 100,000 copies an array of 8 KiB and a hundred entries.
const shards = 1024

// small is how many entries stay in one plain map, to keep small maps small.
const small = 256

// seed is the same for all maps of a process, so that maps derived from each
// other agree on where a key lives.
var seed = maphash.MakeSeed()

// A Map is an immutable map. The zero Map is empty.
type Map[V any] struct {
	few   map[string]V          // used while many is nil
	many  *[shards]map[string]V // nil entries are empty
	count int
}

// Len is the number of keys.
func (m Map[V]) Len() int { return m.count }

// Get finds the value of key.
func (m Map[V]) Get(key string) (V, bool) {
	if m.many == nil {
		v, ok := m.few[key]
		return v, ok
	}
	v, ok := m.many[shard(key)][key]
	return v, ok
}

// All yields all keys and values, in no order.
func (m Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for k, v := range m.few {
			if !yield(k, v) {
				return
			}
		}
		if m.many == nil {
			return
		}
		for _, s := range m.many {
			for k, v := range s {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// Keys lists the keys in byte order.
func (m Map[V]) Keys() []string {
	keys := make([]string, 0, m.count)
	for k := range m.All() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// With returns m with the entries of put, and without the keys of remove.
func (m Map[V]) With(put map[string]V, remove []string) Map[V] {
	if m.many == nil && len(m.few)+len(put) <= small {
		next := Map[V]{few: maps.Clone(m.few)}
		if next.few == nil {
			next.few = make(map[string]V, len(put))
		}
		maps.Copy(next.few, put)
		for _, k := range remove {
			delete(next.few, k)
		}
		next.count = len(next.few)
		return next
	}

	next := Map[V]{many: new([shards]map[string]V), count: m.count}
	fresh := make(map[uint64]bool, min(len(put)+len(remove), shards)) // shards that belong to next alone
	own := func(key string) map[string]V {
		i := shard(key)
		if !fresh[i] {
			fresh[i] = true
			next.many[i] = maps.Clone(next.many[i])
			if next.many[i] == nil {
				next.many[i] = make(map[string]V, 1)
			}
		}
		return next.many[i]
	}
	if m.many != nil {
		*next.many = *m.many
	}
	for k, v := range m.few {
		own(k)[k] = v
	}
	for k, v := range put {
		s := own(k)
		if _, ok := s[k]; !ok {
			next.count++
		}
		s[k] = v
	}
	for _, k := range remove {
		if s := own(k); len(s) > 0 {
			if _, ok := s[k]; ok {
				next.count--
			}
			delete(s, k)
		}
	}
	return next
}

func shard(key string) uint64 { return maphash.String(seed, key) % shards }
