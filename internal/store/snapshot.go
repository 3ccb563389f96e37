package store

import (
	"cmp"
	"iter"
	"slices"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/source"
)

// A Snapshot is everything known at one moment. It never changes.
type Snapshot struct {
	Number uint64 // counts up from 0, the empty snapshot

	views      []*view       // in ascending priority
	superseded chan struct{} // closed once a newer snapshot exists
}

// A view is what a snapshot shows of one layer. It never changes, either.
type view struct {
	name     string
	version  source.Version
	sets     []namedSet // in byte order of their names, the unnamed one first
	rejected []source.Rejection
}

type namedSet struct {
	name  string
	flags *evaluator.FlagSet
}

// Superseded is closed once a newer snapshot exists.
func (sn *Snapshot) Superseded() <-chan struct{} { return sn.superseded }

// Find returns the flag that answers for key: that of the source with the
// highest priority and, within it, of the unnamed set if that has one, else of
// the first set in byte order of names.
func (sn *Snapshot) Find(sel Selector, key string) (*evaluator.Flag, bool) {
	for set := range sn.selected(sel) {
		if f, ok := set.Flag(key); ok {
			return f, true
		}
	}
	return nil, false
}

// Flags yields what [Snapshot.Find] finds: each key once, in byte order.
func (sn *Snapshot) Flags(sel Selector) iter.Seq2[string, *evaluator.Flag] {
	sets := slices.Collect(sn.selected(sel))
	if len(sets) == 1 {
		return sets[0].All()
	}
	return func(yield func(string, *evaluator.Flag) bool) {
		for _, c := range winners(sets) {
			if !yield(c.key, c.flag) {
				return
			}
		}
	}
}

type candidate struct {
	key  string
	flag *evaluator.Flag
}

// winners returns the flags of all sets, in byte order of keys. The first set
// that has a key wins it.
func winners(sets []*evaluator.FlagSet) []candidate {
	var all []candidate
	for _, set := range sets {
		for key, f := range set.All() {
			all = append(all, candidate{key, f})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.key, b.key) })
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.key == b.key })
}

// Version returns what the source of that name last delivered: the zero
// Version if it has delivered nothing, or if there is no such source.
func (sn *Snapshot) Version(name string) source.Version {
	for _, v := range slices.Backward(sn.views) {
		if v.name == name {
			return v.version
		}
	}
	return source.Version{}
}

// Rejected returns what is quarantined in this snapshot, in ascending priority
// of sources, then in byte order of sets and keys. Settings that do not compile
// are listed under the key "".
func (sn *Snapshot) Rejected() []source.Rejection {
	var all []source.Rejection
	for _, v := range sn.views {
		all = append(all, v.rejected...)
	}
	return all
}

// selected yields the sets that sel allows, those that win first.
func (sn *Snapshot) selected(sel Selector) iter.Seq[*evaluator.FlagSet] {
	return func(yield func(*evaluator.FlagSet) bool) {
		for _, v := range slices.Backward(sn.views) {
			if sel.Source != "" && sel.Source != v.name {
				continue
			}
			for _, set := range v.sets {
				if (!sel.BySet || sel.Set == set.name) && !yield(set.flags) {
					return
				}
			}
		}
	}
}

// set returns the set of that name, or nil.
func (v *view) set(name string) *evaluator.FlagSet {
	i, ok := slices.BinarySearchFunc(v.sets, name, func(s namedSet, name string) int {
		return cmp.Compare(s.name, name)
	})
	if !ok {
		return nil
	}
	return v.sets[i].flags
}
