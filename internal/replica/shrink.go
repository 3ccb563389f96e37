package replica

import (
	"fmt"
	"slices"
	"strings"
)

// A set shrinks if it loses all its flags, or more than half of them if it had
// at least shrinkFrom: what a truncated file or a mistaken script does, and a
// person hardly ever.
const shrinkFrom = 10

// A Shrink is a flag set that lost a large share of its flags.
type Shrink struct {
	Set       string
	From, To  int    // how many flags it had and has
	permitted uint64 // the last generation in which a publisher said so
}

// Shrinks lists the sets that lost a large share of their flags between s and
// next, in byte order.
func (s *State) Shrinks(next *State) []Shrink {
	var all []Shrink
	for set, from := range s.perSet.All() {
		to, _ := next.perSet.Get(set)
		if to == 0 || from >= shrinkFrom && 2*to < from {
			all = append(all, Shrink{set, from, to, next.Head.Shrunk[set]})
		}
	}
	slices.SortFunc(all, func(a, b Shrink) int { return strings.Compare(a.Set, b.Set) })
	return all
}

// Unannounced is an error if a set shrank between s and next without the word of
// a publisher, given in a generation after that of s.
func (s *State) Unannounced(next *State) error {
	since := s.Generation()
	if s.Head.Incarnation != next.Head.Incarnation {
		since = 0 // a log made anew has generations of its own
	}
	for _, shrunk := range s.Shrinks(next) {
		if shrunk.permitted <= since {
			return fmt.Errorf("%v, and no publication says that it should", shrunk)
		}
	}
	return nil
}

func (s Shrink) String() string {
	name := fmt.Sprintf("flag set %q", s.Set)
	if s.Set == "" {
		name = "the unnamed flag set"
	}
	return fmt.Sprintf("%s went from %d flags to %d", name, s.From, s.To)
}
