package store

import (
	"maps"
	"slices"

	"github.com/flagline/flagline/source"
)

// A layer is what one source delivered. As the contract of [source.Sink] has
// it, one goroutine at a time calls it, so that it compiles without a lock;
// only publishing takes the lock of the store.
type layer struct {
	store *Store
	index int
	sets  map[string]*set
}

// Apply implements [source.Sink]. The rejections that it returns are those of
// the flags that u mentions, or that changed settings of u made compile anew;
// settings that do not compile are rejected under the key "".
func (l *layer) Apply(u source.Update) []source.Rejection {
	var rejected []source.Rejection
	edits := l.edits(u)
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		s, ok := l.sets[name]
		if !ok {
			s = newSet(name)
		}
		rejected = append(rejected, s.apply(edits[name])...)
		l.keep(s)
	}
	l.store.publish(l.index, l.view(u.Version))
	return rejected
}

// Report implements [source.Sink].
func (l *layer) Report(status source.Status) { l.store.report(l.index, status) }

// An edit is what an update says about one set.
type edit struct {
	settings     []byte
	withSettings bool              // whether settings says anything
	flags        map[string][]byte // nil if removed
}

// edits sorts the records of u by set. In an update that replaces everything,
// what is not mentioned is removed.
func (l *layer) edits(u source.Update) map[string]*edit {
	edits := map[string]*edit{}
	if u.Replace {
		for name, s := range l.sets {
			e := &edit{withSettings: true, flags: make(map[string][]byte, len(s.bodies))}
			for key := range s.bodies {
				e.flags[key] = nil
			}
			edits[name] = e
		}
	}
	for _, r := range u.Records {
		e, ok := edits[r.Set]
		if !ok {
			e = &edit{flags: map[string][]byte{}}
			edits[r.Set] = e
		}
		if r.Settings {
			e.settings, e.withSettings = r.Body, true
		} else {
			e.flags[r.Key] = r.Body
		}
	}
	return edits
}

// keep remembers s for as long as the origin holds anything of it.
func (l *layer) keep(s *set) {
	if s.empty() {
		delete(l.sets, s.name)
		return
	}
	if l.sets == nil {
		l.sets = map[string]*set{}
	}
	l.sets[s.name] = s
}

func (l *layer) view(version source.Version) *view {
	v := &view{version: version}
	for _, name := range slices.Sorted(maps.Keys(l.sets)) {
		s := l.sets[name]
		v.sets = append(v.sets, namedSet{name, s.flags})
		v.rejected = append(v.rejected, s.rejections()...)
	}
	return v
}
