package store

import "github.com/flagline/flagline/evaluator"

// Diff returns, by key, how the flags that sel selects differ between two
// snapshots of the same store. It looks only at sets that are not the same
// value in both, so that its cost follows the size of the change.
//
// A flag that another source or set answers for than before counts as updated.
func Diff(old, next *Snapshot, sel Selector) map[string]evaluator.Change {
	changes := map[string]evaluator.Change{}
	for key := range touched(old, next, sel) {
		before, had := old.Find(sel, key)
		after, has := next.Find(sel, key)
		switch {
		case !had && has:
			changes[key] = evaluator.ChangeWrite
		case had && !has:
			changes[key] = evaluator.ChangeDelete
		case before != after:
			changes[key] = evaluator.ChangeUpdate
		}
	}
	return changes
}

// touched returns the keys that differ in any selected set of any layer.
func touched(old, next *Snapshot, sel Selector) map[string]struct{} {
	keys := map[string]struct{}{}
	for i := range max(len(old.views), len(next.views)) {
		before, after := old.view(i), next.view(i)
		if before == after || sel.Source != "" && sel.Source != before.name && sel.Source != after.name {
			continue
		}
		for name := range names(before, after) {
			if sel.BySet && sel.Set != name {
				continue
			}
			if a, b := before.set(name), after.set(name); a != b {
				for key := range a.Diff(b) {
					keys[key] = struct{}{}
				}
			}
		}
	}
	return keys
}

// view returns the view of layer i, an empty one if the layer came later.
func (sn *Snapshot) view(i int) *view {
	if i < len(sn.views) {
		return sn.views[i]
	}
	return new(view)
}

func names(views ...*view) map[string]struct{} {
	all := map[string]struct{}{}
	for _, v := range views {
		for _, s := range v.sets {
			all[s.name] = struct{}{}
		}
	}
	return all
}
