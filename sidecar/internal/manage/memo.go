package manage

import (
	"maps"
	"sync"
	"sync/atomic"
)

// A memo keeps what was created for a key. Finding it again takes no lock and
// allocates nothing; keys must be few, for each new one copies the others.
type memo[K comparable, V any] struct {
	create func(K) V // set before use

	mu   sync.Mutex // held to add
	made atomic.Pointer[map[K]V]
}

func (m *memo[K, V]) get(key K) V {
	if made := m.made.Load(); made != nil {
		if v, ok := (*made)[key]; ok {
			return v
		}
	}
	return m.add(key)
}

func (m *memo[K, V]) add(key K) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := map[K]V{}
	if made := m.made.Load(); made != nil {
		if v, ok := (*made)[key]; ok {
			return v
		}
		next = maps.Clone(*made)
	}
	v := m.create(key)
	next[key] = v
	m.made.Store(&next)
	return v
}
