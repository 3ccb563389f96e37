// Package admintest holds a ledger in memory, for tests of what stands on
// [admin.Ledger].
package admintest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/flagline/flagline/admin"
)

// A Ledger keeps an environment in memory. Its zero value is not usable: make
// one with [New].
type Ledger struct {
	mu      sync.Mutex
	states  []*state // by generation
	changes []admin.Change
}

// New returns the ledger of an environment to which nothing was published.
func New(environment string) *Ledger {
	return &Ledger{states: []*state{{environment: environment, bodies: map[id]admin.Flag{}}}}
}

// State implements [admin.Ledger].
func (l *Ledger) State() admin.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest()
}

func (l *Ledger) newest() *state { return l.states[len(l.states)-1] }

// Commit implements [admin.Ledger].
func (l *Ledger) Commit(ctx context.Context, draft admin.Draft) (admin.Change, error) {
	if err := ctx.Err(); err != nil {
		return admin.Change{}, &admin.UnavailableError{Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	change, next, err := l.plan(draft)
	if err != nil || len(change.Flags) == 0 {
		return change, err
	}
	change.ID = fmt.Sprintf("change-%d", change.Generation)
	next.stamp(change)
	l.states = append(l.states, next)
	l.changes = append(l.changes, change)
	return change, nil
}

// Preview implements [admin.Ledger].
func (l *Ledger) Preview(_ context.Context, draft admin.Draft) (admin.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change, _, err := l.plan(draft)
	return change, err
}

// plan returns the change that draft makes and the state after it, which is
// the newest one if there is nothing to do.
func (l *Ledger) plan(draft admin.Draft) (admin.Change, *state, error) {
	now := l.newest()
	if draft.Author == "" {
		return admin.Change{}, nil, errors.New("a change needs an author")
	}
	if draft.Expect != 0 && draft.Expect != now.Generation() {
		return admin.Change{}, nil, &admin.ConflictError{
			Environment: now.environment, Expected: draft.Expect, Generation: now.Generation(),
		}
	}
	edits, err := draft.Plan(now)
	if err != nil {
		return admin.Change{}, nil, err
	}
	change := admin.Change{
		Environment: now.environment,
		Generation:  now.generation,
		Author:      draft.Author,
		Reason:      draft.Reason,
	}
	if len(edits) == 0 {
		change.Digest = now.Digest()
		return change, now, nil
	}
	next := &state{environment: now.environment, generation: now.generation + 1, bodies: maps.Clone(now.bodies)}
	for _, e := range edits {
		change.Flags = append(change.Flags, next.edit(e))
	}
	change.Generation, change.Digest, change.Time = next.generation, next.Digest(), time.Now()
	return change, next, nil
}

// History implements [admin.Ledger].
func (l *Ledger) History(_ context.Context, q admin.HistoryQuery) ([]admin.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []admin.Change
	for _, c := range slices.Backward(l.changes) {
		if q.Before != 0 && c.Generation >= q.Before {
			continue
		}
		touches := func(f admin.Touched) bool { return f.Set == q.Set && f.Key == q.Key }
		if q.Key != "" && !slices.ContainsFunc(c.Flags, touches) {
			continue
		}
		if len(found) < cmp.Or(q.Limit, 50) {
			found = append(found, c)
		}
	}
	return found, nil
}

// FlagAt implements [admin.Ledger].
func (l *Ledger) FlagAt(_ context.Context, set, key string, generation uint64) (admin.Flag, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if generation >= uint64(len(l.states)) {
		return admin.Flag{}, false, fmt.Errorf("generation %d has not been reached", generation)
	}
	f, ok := l.states[generation].Flag(set, key)
	return f, ok, nil
}

// A state is one generation.
type state struct {
	environment string
	generation  uint64
	bodies      map[id]admin.Flag
}

type id struct{ set, key string } // key is "" for the settings of the set

func (s *state) edit(e admin.Edit) admin.Touched {
	name := id{e.Set, e.Key}
	touched := admin.Touched{Set: e.Set, Key: e.Key, Action: admin.ActionUpdate}
	if _, ok := s.bodies[name]; !ok {
		touched.Action = admin.ActionCreate
	}
	if e.Body == nil {
		touched.Action = admin.ActionDelete
		delete(s.bodies, name)
		return touched
	}
	s.bodies[name] = admin.Flag{Set: e.Set, Key: e.Key, Body: e.Body}
	return touched
}

// stamp notes which change brought the flags that it touched.
func (s *state) stamp(c admin.Change) {
	for _, touched := range c.Flags {
		name := id{touched.Set, touched.Key}
		if f, ok := s.bodies[name]; ok {
			f.Generation, f.Change, f.Author = c.Generation, c.ID, c.Author
			s.bodies[name] = f
		}
	}
}

func (s *state) Environment() string { return s.environment }
func (s *state) Generation() uint64  { return s.generation }

// Digest is not the one of the protocol, but changes with the records like it.
func (s *state) Digest() string {
	h := sha256.New()
	for _, f := range s.records() {
		fmt.Fprintf(h, "%q %q %s\n", f.Set, f.Key, f.Body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *state) Flag(set, key string) (admin.Flag, bool) {
	f, ok := s.bodies[id{set, key}]
	return f, ok && key != ""
}

func (s *state) Flags() []admin.Flag {
	return slices.DeleteFunc(s.records(), func(f admin.Flag) bool { return f.Key == "" })
}

func (s *state) records() []admin.Flag {
	return slices.SortedFunc(maps.Values(s.bodies), func(a, b admin.Flag) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Key, b.Key))
	})
}

func (s *state) Sets() []string {
	var sets []string
	for _, f := range s.records() {
		if !slices.Contains(sets, f.Set) {
			sets = append(sets, f.Set)
		}
	}
	return sets
}

func (s *state) Settings(set string) []byte { return s.bodies[id{set, ""}].Body }
