package evaluator

import (
	"slices"
	"strings"
)

// An ordering is the order of a set from which another was derived, and the keys
// that may differ since: putting a few flags into an order is cheaper than
// sorting all of them.
type ordering struct {
	sorted []*Flag
	edited []string
}

// maxEdited is how many keys may differ. Beyond that sorting is hardly dearer,
// and the old order would keep flags that are gone.
const maxEdited = 256

// after returns what a set that is derived from s with these flags, and without
// those of gone, knows of its order.
func (s *FlagSet) after(put map[string]*Flag, gone []string) *ordering {
	if s == nil || len(put)+len(gone) > maxEdited {
		return nil
	}
	var before ordering
	// In this order: what was known before goes once the order is there.
	known := s.before.Load()
	if sorted := s.sorted.Load(); sorted != nil {
		before.sorted = *sorted
	} else if known != nil {
		before = *known
	} else {
		return nil
	}
	if len(before.edited)+len(put)+len(gone) > maxEdited {
		return nil
	}
	edited := append(slices.Clone(before.edited), gone...)
	for key := range put {
		edited = append(edited, key)
	}
	return &ordering{before.sorted, edited}
}

// sort returns the flags by key.
func (s *FlagSet) sort() []*Flag {
	sorted := make([]*Flag, 0, s.flags.Len())
	before := s.before.Load()
	if before == nil {
		for _, key := range s.flags.Keys() {
			f, _ := s.flags.Get(key)
			sorted = append(sorted, f)
		}
		return sorted
	}
	edited := slices.Compact(slices.Sorted(slices.Values(before.edited)))
	rest := before.sorted
	for _, key := range edited {
		at, found := slices.BinarySearchFunc(rest, key, func(f *Flag, key string) int { return strings.Compare(f.key, key) })
		sorted = append(sorted, rest[:at]...)
		if rest = rest[at:]; found {
			rest = rest[1:]
		}
		if f, ok := s.flags.Get(key); ok {
			sorted = append(sorted, f)
		}
	}
	return append(sorted, rest...)
}
