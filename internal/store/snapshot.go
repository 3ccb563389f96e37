package store

import (
	"cmp"
	"iter"
	"slices"
	"sync"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/source"
)

// A Snapshot is everything known at one moment. It never changes.
type Snapshot struct {
	Number uint64 // counts up from 0, the empty snapshot

	views      []*view       // in ascending priority
	superseded chan struct{} // closed once a newer snapshot exists
	all        *everything
}

// everything is what a snapshot of several sets shows to who selects nothing.
type everything struct {
	once  sync.Once
	flags []*evaluator.Flag // that win, by key; made when first asked for
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
		var flags []*evaluator.Flag
		if sel == (Selector{}) && sn.all != nil {
			sn.all.once.Do(func() { sn.all.flags = winners(sets) })
			flags = sn.all.flags
		} else {
			flags = winners(sets)
		}
		for _, f := range flags {
			if !yield(f.Key(), f) {
				return
			}
		}
	}
}

// AtMost returns how many flags [Snapshot.Flags] yields, or more if some of them
// have the same key.
func (sn *Snapshot) AtMost(sel Selector) (count int) {
	for set := range sn.selected(sel) {
		count += set.Len()
	}
	return count
}

// winners returns the flags of all sets, in byte order of keys. The first set
// that has a key wins it.
func winners(sets []*evaluator.FlagSet) []*evaluator.Flag {
	switch len(sets) {
	case 0:
		return nil
	case 1:
		all := make([]*evaluator.Flag, 0, sets[0].Len())
		for _, f := range sets[0].All() {
			all = append(all, f)
		}
		return all
	}
	half := len(sets) / 2
	return merge(winners(sets[:half]), winners(sets[half:]))
}

// merge merges two lists that are in order. The first wins a key of both.
func merge(a, b []*evaluator.Flag) []*evaluator.Flag {
	all := make([]*evaluator.Flag, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		order := cmp.Compare(a[0].Key(), b[0].Key())
		if order == 0 {
			b = b[1:]
		}
		if order <= 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
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
