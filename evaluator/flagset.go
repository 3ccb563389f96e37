package evaluator

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A FlagSet is an immutable set of flags. It may be used from any number of
// goroutines at once. A nil *FlagSet is an empty one.
//
// Sets that were derived from one another with [FlagSet.With] share what they
// have in common, so that a change costs the same whether the set holds ten
// flags or a hundred thousand.
type FlagSet struct {
	settings *Settings
	shards   [shardCount]*shard // nil where there are no flags
	size     int

	sorting sync.Once
	sorted  []*Flag // by key; made when first asked for
}

// A shard holds the flags whose keys hash to it. It never changes.
type shard struct{ flags map[string]*Flag }

// With 256 shards, a set of a hundred thousand flags copies about 400 entries
// for a changed flag, and the table of shards is 2 KB.
const shardCount = 256

// seed is the same for all sets of a process, so that they can be compared.
var seed = maphash.MakeSeed()

func shardOf(key string) int {
	return int(maphash.String(seed, key) % shardCount)
}

// Evaluate answers for the flag key and the context ec, which may be nil. The
// answer is FLAG_NOT_FOUND if there is no such flag.
func (s *FlagSet) Evaluate(key string, ec Context) Resolution {
	if f, ok := s.Flag(key); ok {
		return f.Evaluate(ec)
	}
	return Resolution{
		Reason: ReasonError,
		Err:    &Error{Code: CodeFlagNotFound, Flag: key, Err: errUnknownFlag},
		flag:   key,
	}
}

// Flag returns the flag key, if there is one.
func (s *FlagSet) Flag(key string) (*Flag, bool) {
	if s == nil {
		return nil, false
	}
	sh := s.shards[shardOf(key)]
	if sh == nil {
		return nil, false
	}
	f, ok := sh.flags[key]
	return f, ok
}

// Len returns the number of flags.
func (s *FlagSet) Len() int {
	if s == nil {
		return 0
	}
	return s.size
}

// Settings returns what the flags share. It is never nil.
func (s *FlagSet) Settings() *Settings {
	if s == nil || s.settings == nil {
		return new(Settings)
	}
	return s.settings
}

// All yields every flag with its key, in byte order of the keys.
func (s *FlagSet) All() iter.Seq2[string, *Flag] {
	return func(yield func(string, *Flag) bool) {
		for _, f := range s.inOrder() {
			if !yield(f.Key(), f) {
				return
			}
		}
	}
}

func (s *FlagSet) inOrder() []*Flag {
	if s == nil {
		return nil
	}
	s.sorting.Do(func() {
		all := make([]*Flag, 0, s.size)
		for _, sh := range s.shards {
			if sh != nil {
				all = slices.AppendSeq(all, maps.Values(sh.flags))
			}
		}
		slices.SortFunc(all, func(a, b *Flag) int { return strings.Compare(a.Key(), b.Key()) })
		s.sorted = all
	})
	return s.sorted
}

// With returns a set that holds the flags of s, without those that remove
// names, and with those of put, which replace flags of the same key; of two in
// put with the same key the later counts. The settings become those of the new
// set: flags that were compiled with others keep what they borrowed from them.
func (s *FlagSet) With(settings *Settings, put []*Flag, remove []string) *FlagSet {
	next := &FlagSet{settings: settings}
	if s != nil {
		next.shards, next.size = s.shards, s.size
	}
	var copied [shardCount]bool
	own := func(key string) *shard {
		i := shardOf(key)
		if !copied[i] {
			copied[i] = true
			next.shards[i] = next.shards[i].clone()
		}
		return next.shards[i]
	}
	for _, key := range remove {
		if _, ok := next.Flag(key); ok {
			delete(own(key).flags, key)
			next.size--
		}
	}
	for _, f := range put {
		sh := own(f.Key())
		if _, ok := sh.flags[f.Key()]; !ok {
			next.size++
		}
		sh.flags[f.Key()] = f
	}
	return next
}

func (sh *shard) clone() *shard {
	if sh == nil {
		return &shard{flags: make(map[string]*Flag, 1)}
	}
	return &shard{flags: maps.Clone(sh.flags)}
}

// A Change is what happened to a flag between two flag sets.
type Change int

// The changes that [FlagSet.Diff] finds.
const (
	ChangeWrite  Change = iota + 1 // the flag is new
	ChangeUpdate                   // the flag may answer differently
	ChangeDelete                   // the flag is gone
)

// String returns flagd's word for the change: "write", "update" or "delete".
func (c Change) String() string {
	switch c {
	case ChangeWrite:
		return "write"
	case ChangeUpdate:
		return "update"
	case ChangeDelete:
		return "delete"
	default:
		return "unknown"
	}
}

// Diff yields the flags that changed on the way from s to next, in byte order
// of their keys. A flag that was compiled anew from the same definition did
// not change. Either set may be nil.
func (s *FlagSet) Diff(next *FlagSet) iter.Seq2[string, Change] {
	return func(yield func(string, Change) bool) {
		changes := make(map[string]Change)
		for i := range shardCount {
			diffShard(s.shard(i), next.shard(i), changes)
		}
		for _, key := range slices.Sorted(maps.Keys(changes)) {
			if !yield(key, changes[key]) {
				return
			}
		}
	}
}

func (s *FlagSet) shard(i int) *shard {
	if s == nil || s.shards[i] == nil {
		return &emptyShard
	}
	return s.shards[i]
}

var emptyShard shard

func diffShard(old, next *shard, changes map[string]Change) {
	if old == next {
		return
	}
	for key, f := range old.flags {
		switch g, ok := next.flags[key]; {
		case !ok:
			changes[key] = ChangeDelete
		case !f.same(g):
			changes[key] = ChangeUpdate
		}
	}
	for key := range next.flags {
		if _, ok := old.flags[key]; !ok {
			changes[key] = ChangeWrite
		}
	}
}
