// Package replica is an environment as its log tells it.
//
// A [State] is everything an environment holds at one generation. A [Log]
// collects records, in whatever order they arrive, and steps from one state to
// the next when everything up to a complete head is there and the digest
// agrees. Readers and publishers share it; it opens no connection.
package replica

import (
	"maps"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/cowmap"
	"github.com/flagline/flagline/internal/digest"
	"github.com/flagline/flagline/internal/wire"
)

// A Record is one message of an environment's log.
type Record struct {
	Seq    uint64
	Key    string // in the bucket
	Body   []byte // nil if the record was removed
	Change string
	Author string
	Reason string
	Time   time.Time // when it was stored

	// Generation is set by [Log.Advance]: the one that the record belongs to.
	Generation uint64
}

// Completes says whether the record is a complete head.
func (r Record) Completes() bool {
	if r.Key != wire.HeadKey {
		return false
	}
	h, err := wire.ParseHead(r.Body)
	return err == nil && !h.More
}

// An Entry is a record as it stands in a state.
type Entry struct {
	Body       []byte // must not be changed
	Generation uint64 // that brought it
	Change     string
	Author     string
}

// A State is what an environment holds at one generation. It is immutable; the
// zero State is an environment before its first generation.
type State struct {
	Head wire.Head // that closed the generation
	Seq  uint64    // of that head

	entries cowmap.Map[Entry] // by wire.Key.String()
	digest  digest.Environment
	flags   int
	perSet  cowmap.Map[int] // flags
}

// Generation is the generation of the state, 0 before the first.
func (s *State) Generation() uint64 { return s.Head.Generation }

// Flags is the number of flags in all sets.
func (s *State) Flags() int { return s.flags }

// Digest is the digest of all records.
func (s *State) Digest() digest.Sum { return s.digest.Sum() }

// Get finds a record.
func (s *State) Get(k wire.Key) (Entry, bool) { return s.entries.Get(k.String()) }

// Keys lists all keys: by set, the settings of a set before its flags, then by
// flag, in byte order.
func (s *State) Keys() []wire.Key {
	keys := make([]wire.Key, 0, s.entries.Len())
	for name := range s.entries.All() {
		if k, err := wire.ParseKey(name); err == nil {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

// Sets lists the names of all flag sets in byte order.
func (s *State) Sets() []string { return s.digest.Sets() }

// With returns the state after records were written, in their order, and
// closed by head, which was stored at seq. Records whose key is not one of the
// protocol's are passed over, as is head itself.
func (s *State) With(records []Record, head wire.Head, seq uint64) *State {
	put := make(map[string]Entry, len(records))
	gone := make(map[string]bool)
	for _, r := range records {
		if _, err := wire.ParseKey(r.Key); err != nil {
			continue
		}
		if r.Body == nil {
			delete(put, r.Key)
			gone[r.Key] = true
			continue
		}
		delete(gone, r.Key)
		put[r.Key] = Entry{Body: r.Body, Generation: r.Generation, Change: r.Change, Author: r.Author}
	}

	next := &State{Head: head, Seq: seq, flags: s.flags}
	sets := make(map[string]int)
	count := func(set string, n int) {
		if _, seen := sets[set]; !seen {
			sets[set], _ = s.perSet.Get(set)
		}
		sets[set] += n
		next.flags += n
	}
	changed := make([]digest.Record, 0, len(put)+len(gone))
	for name, e := range put {
		k, _ := wire.ParseKey(name)
		changed = append(changed, digest.Record{Set: k.Set, Flag: k.Flag, Body: e.Body})
		if _, had := s.entries.Get(name); !had && k.Flag != "" {
			count(k.Set, 1)
		}
	}
	for name := range gone {
		k, _ := wire.ParseKey(name)
		changed = append(changed, digest.Record{Set: k.Set, Flag: k.Flag})
		if _, had := s.entries.Get(name); had && k.Flag != "" {
			count(k.Set, -1)
		}
	}
	next.entries = s.entries.With(put, slices.Collect(maps.Keys(gone)))
	next.digest = s.digest.With(changed...)
	empty := slices.DeleteFunc(slices.Collect(maps.Keys(sets)), func(set string) bool { return sets[set] > 0 })
	next.perSet = s.perSet.With(sets, empty)
	return next
}

func compareKeys(a, b wire.Key) int {
	switch {
	case a.Set < b.Set:
		return -1
	case a.Set > b.Set:
		return 1
	case a.Flag < b.Flag:
		return -1
	case a.Flag > b.Flag:
		return 1
	}
	return 0
}
