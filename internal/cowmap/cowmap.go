// Package cowmap is an immutable map from strings: a change returns a new map
// and leaves the old one valid, and copies one shard of many rather than the
// whole. Readers need no locks.
package cowmap

import (
	"hash/maphash"
	"iter"
	"maps"
	"reflect"
	"slices"
)

// A large map is a table of rows of shards. With 32 by 32, a change of one key
// among 100,000 copies a table and a row of 256 bytes each, and a hundred
// entries.
const (
	rows    = 32
	columns = 32
)

type row[V any] [columns]map[string]V

// small is how many entries stay in one plain map, to keep small maps small.
const small = 256

// seed is the same for all maps of a process, so that maps derived from each
// other agree on where a key lives.
var seed = maphash.MakeSeed()

// A Map is an immutable map. The zero Map is empty.
type Map[V any] struct {
	few   map[string]V   // used while many is nil
	many  *[rows]*row[V] // nil rows and shards are empty
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
	i, j := place(key)
	if m.many[i] == nil {
		var none V
		return none, false
	}
	v, ok := m.many[i][j][key]
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
		for _, r := range m.many {
			if r == nil {
				continue
			}
			for _, s := range r {
				for k, v := range s {
					if !yield(k, v) {
						return
					}
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

	next := Map[V]{many: new([rows]*row[V]), count: m.count}
	var freshRows [rows]bool
	var freshShards [rows][columns]bool // those that belong to next alone
	own := func(key string) map[string]V {
		i, j := place(key)
		if !freshRows[i] {
			freshRows[i] = true
			r := new(row[V])
			if next.many[i] != nil {
				*r = *next.many[i]
			}
			next.many[i] = r
		}
		if !freshShards[i][j] {
			freshShards[i][j] = true
			if next.many[i][j] = maps.Clone(next.many[i][j]); next.many[i][j] == nil {
				next.many[i][j] = make(map[string]V, 1)
			}
		}
		return next.many[i][j]
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

// Differing yields the keys that m and next may hold different values for, with
// both; ok says whether a map has the key. Of maps that were derived from each
// other it looks only at what they do not share.
func (m Map[V]) Differing(next Map[V]) iter.Seq2[string, [2]Found[V]] {
	return func(yield func(string, [2]Found[V]) bool) {
		if m.many == nil || next.many == nil { // small, or just grown
			differing(maps.Collect(m.All()), maps.Collect(next.All()), yield)
			return
		}
		for i := range rows {
			if m.many[i] == next.many[i] {
				continue
			}
			old, now := shardsOf(m.many[i]), shardsOf(next.many[i])
			for j := range columns {
				if !differing(old[j], now[j], yield) {
					return
				}
			}
		}
	}
}

func shardsOf[V any](r *row[V]) row[V] {
	if r == nil {
		return row[V]{}
	}
	return *r
}

// Found is a value, if Ok.
type Found[V any] struct {
	Value V
	Ok    bool
}

func differing[V any](old, next map[string]V, yield func(string, [2]Found[V]) bool) bool {
	if same(old, next) {
		return true
	}
	for k, v := range old {
		w, ok := next[k]
		if !yield(k, [2]Found[V]{{v, true}, {w, ok}}) {
			return false
		}
	}
	for k, w := range next {
		if _, ok := old[k]; !ok && !yield(k, [2]Found[V]{{}, {w, true}}) {
			return false
		}
	}
	return true
}

// same says whether two maps are one, which Go's == cannot ask.
func same[V any](a, b map[string]V) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

func place(key string) (i, j uint64) {
	h := maphash.String(seed, key)
	return h % rows, h / rows % columns
}
