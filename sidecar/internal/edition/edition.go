// Package edition keeps what is made of all flags at once, the document that is
// handed on for example: once for all who ask for the same, and only the newest.
package edition

import (
	"sync"

	"github.com/flagline/flagline/internal/store"
)

// maxSelectors is how many selectors a shelf has room for. Callers make them up,
// and what is made of all flags may be many megabytes.
const maxSelectors = 16

// A Shelf holds the newest edition for each selector that was asked for. Its
// methods may be called at once from any number of goroutines.
type Shelf[T any] struct {
	produce func(*store.Snapshot, store.Selector) *T
	equal   func(a, b *T) bool

	mu     sync.Mutex
	latest map[store.Selector]issue[T]
}

// An issue is the edition of a snapshot, which is made by the first who wants it.
type issue[T any] struct {
	snapshot uint64
	make     func() *T
}

// NewShelf returns an empty shelf. Editions come from produce; one that is equal
// to the one before it is replaced by that, so that those who have it can tell.
func NewShelf[T any](produce func(*store.Snapshot, store.Selector) *T, equal func(a, b *T) bool) *Shelf[T] {
	return &Shelf[T]{produce: produce, equal: equal, latest: map[store.Selector]issue[T]{}}
}

// Of returns the edition of what sel shows of snapshot, or of a newer one.
func (s *Shelf[T]) Of(snapshot *store.Snapshot, sel store.Selector) *T {
	return s.find(snapshot, sel)()
}

// makeRoom takes away the edition of the oldest snapshot, but not that of
// everything, which most ask for. Whoever still wants it has it made again.
func (s *Shelf[T]) makeRoom() {
	var oldest store.Selector
	for sel, issue := range s.latest {
		if sel != (store.Selector{}) && (oldest == (store.Selector{}) || issue.snapshot < s.latest[oldest].snapshot) {
			oldest = sel
		}
	}
	delete(s.latest, oldest)
}

func (s *Shelf[T]) find(snapshot *store.Snapshot, sel store.Selector) func() *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, had := s.latest[sel]
	if had && before.snapshot >= snapshot.Number {
		return before.make
	}
	if !had && len(s.latest) >= maxSelectors {
		s.makeRoom()
	}
	produced := sync.OnceValue(func() *T {
		next := s.produce(snapshot, sel)
		if had {
			if old := before.make(); s.equal(old, next) {
				return old
			}
		}
		return next
	})
	s.latest[sel] = issue[T]{snapshot.Number, produced}
	return produced
}
