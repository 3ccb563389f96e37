// Package store keeps the newest good flags of a program, compiled, and tells
// whoever waits when they change.
//
// A [Store] has one layer for each source, the later ones above the earlier.
// What a source delivers goes into its layer; only flags whose bytes differ
// from what the layer holds are compiled. Readers take a [Snapshot], which
// never changes, and need no lock:
//
//	st := store.New()
//	go src.Watch(ctx, st.Add(src.Name()))
//	...
//	flag, ok := st.Current().Find(store.Selector{}, "new-checkout")
//
// A flag that does not compile is quarantined: its last good version goes on
// answering, and it stays in [Snapshot.Rejected] until the source delivers a
// good version or removes it.
package store

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flagline/flagline/source"
)

// A Store holds the current [Snapshot]. Its methods may be called at once from
// any number of goroutines.
type Store struct {
	current atomic.Pointer[Snapshot]

	mu     sync.Mutex // held to write current, and for states
	states []SourceState
}

// A SourceState is how one source is doing.
type SourceState struct {
	Name      string
	Status    source.Status  // as the source last reported it
	Version   source.Version // as last delivered
	Delivered bool           // whether the source has delivered at least once
}

// New returns a store without layers, whose snapshot is number 0 and empty.
func New() *Store {
	s := new(Store)
	s.current.Store(&Snapshot{superseded: make(chan struct{})})
	return s
}

// Add makes a layer above those added before and returns the way into it. The
// name is that of the source, for selectors. Adding an empty layer changes no
// answer, and wakes nobody who waits for changes.
func (s *Store) Add(name string) source.Sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	next := *old
	next.views = append(slices.Clone(old.views), &view{name: name})
	next.all = new(everything)
	s.current.Store(&next)
	s.states = append(s.states, SourceState{Name: name})
	return &layer{store: s, index: len(s.states) - 1}
}

// Current returns the newest snapshot.
func (s *Store) Current() *Snapshot { return s.current.Load() }

// Changes yields every step from one snapshot to a newer one, from the moment
// of the call until ctx is done. A slow reader skips snapshots, but never the
// newest.
func (s *Store) Changes(ctx context.Context) iter.Seq2[*Snapshot, *Snapshot] {
	first := s.Current()
	return func(yield func(old, next *Snapshot) bool) {
		for old := first; ; {
			select {
			case <-old.superseded:
			case <-ctx.Done():
				return
			}
			next := s.Current()
			if !yield(old, next) {
				return
			}
			old = next
		}
	}
}

// Ready reports whether every source has delivered at least once. It never
// turns back to false unless a source is added.
func (s *Store) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.states, func(st SourceState) bool { return !st.Delivered })
}

// Sources returns how the sources are doing, in ascending priority.
func (s *Store) Sources() []SourceState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.states)
}

// publish makes v what layer index shows.
func (s *Store) publish(index int, v *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.current.Load()
	next := &Snapshot{
		Number:     old.Number + 1,
		views:      slices.Clone(old.views),
		superseded: make(chan struct{}),
		all:        new(everything),
	}
	v.name = old.views[index].name
	next.views[index] = v
	s.states[index].Version = v.version
	s.states[index].Delivered = true
	s.current.Store(next)
	close(old.superseded)
}

func (s *Store) report(index int, status source.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[index].Status = status
}
