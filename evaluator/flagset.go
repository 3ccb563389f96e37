package evaluator

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flagline/flagline/internal/cowmap"
)

// A FlagSet is an immutable set of flags. It may be used from any number of
// goroutines at once. A nil *FlagSet is an empty one.
//
// Sets that were derived from one another with [FlagSet.With] share what they
// have in common, so that a change costs the same whether the set holds ten
// flags or a hundred thousand.
type FlagSet struct {
	settings *Settings
	flags    cowmap.Map[*Flag]

	sorting sync.Once
	sorted  atomic.Pointer[[]*Flag]  // by key; made when first asked for
	before  atomic.Pointer[ordering] // nil if nothing is known, or sorted is there
}

// Evaluate answers for the flag key and the context ec, which may be nil. The
// answer is FLAG_NOT_FOUND if there is no such flag.
func (s *FlagSet) Evaluate(key string, ec Context) (r Resolution) {
	if f, ok := s.Flag(key); ok {
		f.resolve(&r, ec)
	} else {
		r.Reason, r.Err = ReasonError, &Error{Code: CodeFlagNotFound, Flag: key, Err: errUnknownFlag}
	}
	return r
}

// EvaluateAt is [FlagSet.Evaluate] at another time, which only matters to rules
// that read $flagd.timestamp.
func (s *FlagSet) EvaluateAt(key string, ec Context, now time.Time) (r Resolution) {
	if f, ok := s.Flag(key); ok {
		f.resolveAt(&r, ec, now.Unix())
		return r
	}
	return s.Evaluate(key, ec)
}

// Flag returns the flag key, if there is one.
func (s *FlagSet) Flag(key string) (*Flag, bool) {
	if s == nil {
		return nil, false
	}
	return s.flags.Get(key)
}

// Len returns the number of flags.
func (s *FlagSet) Len() int {
	if s == nil {
		return 0
	}
	return s.flags.Len()
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
		sorted := s.sort()
		s.sorted.Store(&sorted)
		s.before.Store(nil)
	})
	return *s.sorted.Load()
}

// With returns a set that holds the flags of s, without those that remove
// names, and with those of put, which replace flags of the same key; of two in
// put with the same key the later counts. The settings become those of the new
// set: flags that were compiled with others keep what they borrowed from them.
func (s *FlagSet) With(settings *Settings, put []*Flag, remove []string) *FlagSet {
	next := &FlagSet{settings: settings}
	if s != nil {
		next.flags = s.flags
	}
	if len(put)+len(remove) == 0 {
		return next
	}
	wanted := make(map[string]*Flag, len(put))
	for _, f := range put {
		wanted[f.Key()] = f
	}
	gone := slices.DeleteFunc(slices.Clone(remove), func(key string) bool { return wanted[key] != nil })
	next.flags = next.flags.With(wanted, gone)
	next.before.Store(s.after(wanted, gone))
	return next
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
		for key, found := range s.all().Differing(next.all()) {
			switch old, now := found[0], found[1]; {
			case !now.Ok:
				changes[key] = ChangeDelete
			case !old.Ok:
				changes[key] = ChangeWrite
			case !old.Value.same(now.Value):
				changes[key] = ChangeUpdate
			}
		}
		for _, key := range slices.Sorted(maps.Keys(changes)) {
			if !yield(key, changes[key]) {
				return
			}
		}
	}
}

func (s *FlagSet) all() cowmap.Map[*Flag] {
	if s == nil {
		return cowmap.Map[*Flag]{}
	}
	return s.flags
}
