package journal

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// A Choice is the best of several sources.
type Choice struct {
	*Source

	// Head closes its last whole generation.
	Head wire.Head

	// Changes is how many whole generations it has.
	Changes int

	// Epoch is the highest that any source knows of.
	Epoch uint64

	// Damage is where journals stop being readable before their end, each a
	// [*DamageError]. A torn end is ordinary after a crash.
	Damage []error
}

// A ConflictError says that two sources tell different stories.
type ConflictError struct {
	A, B       string // their paths
	Generation uint64 // 0 if it is about the whole of them
	Reason     string
}

func (e *ConflictError) Error() string {
	where := ""
	if e.Generation > 0 {
		where = fmt.Sprintf(" in generation %d", e.Generation)
	}
	return fmt.Sprintf("%s and %s differ%s: %s; leave out the one that is wrong", e.A, e.B, where, e.Reason)
}

// A told is what a source says of a generation.
type told struct {
	by             *Source
	digest, change string
}

// Choose reads sources, all of one environment, and returns the one that goes
// furthest in the incarnation with the highest epoch. An incarnation that holds
// nothing but its beginning counts only if there is no other: that is what is
// left of a log that was lost and made again. A backup that is not whole is an
// error, and so are two sources that differ in a generation of one incarnation.
func Choose(sources []*Source) (Choice, error) {
	var all []Choice
	var damage []error
	generations := make(map[string]map[uint64]told) // by incarnation
	for _, src := range sources {
		c, err := survey(src, generations)
		if err != nil {
			return Choice{}, err
		}
		damage = append(damage, c.Damage...)
		if c.Changes > 0 {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return Choice{}, errors.Join(append([]error{errors.New("there is no whole generation to restore")}, damage...)...)
	}
	best := slices.MaxFunc(all, func(a, b Choice) int {
		return cmp.Or(
			compareBool(!a.empty(), !b.empty()),
			cmp.Compare(a.Head.Epoch, b.Head.Epoch),
			cmp.Compare(a.Head.Generation, b.Head.Generation),
		)
	})
	for _, c := range all {
		if c.Incarnation != best.Incarnation && c.Head.Epoch == best.Head.Epoch && c.empty() == best.empty() {
			return Choice{}, &ConflictError{A: best.Path, B: c.Path, Reason: fmt.Sprintf(
				"incarnations %s and %s have the same epoch %d", best.Incarnation, c.Incarnation, c.Head.Epoch)}
		}
		best.Epoch = max(best.Epoch, c.Head.Epoch)
	}
	best.Damage = damage
	return best, nil
}

// History yields the whole generations, oldest first. Its last pair is an error
// if what was read before cannot be read again.
func (c Choice) History() iter.Seq2[*replica.Step, error] {
	return func(yield func(*replica.Step, error) bool) {
		left := c.Changes
		for step, err := range c.Generations() {
			if !yield(step, err) || err != nil {
				return
			}
			if left--; left == 0 {
				return // the rest is known to be damaged
			}
		}
	}
}

// Generation is the last whole generation.
func (c Choice) Generation() uint64 { return c.Head.Generation }

func (c Choice) empty() bool { return c.Changes <= 1 && c.Head.Flags == 0 }

// survey reads src to its end, and holds it against what others told.
func survey(src *Source, generations map[string]map[uint64]told) (Choice, error) {
	c := Choice{Source: src}
	known := generations[src.Incarnation]
	if known == nil {
		known = make(map[uint64]told)
		generations[src.Incarnation] = known
	}
	for step, err := range src.Generations() {
		if damaged, ok := errors.AsType[*DamageError](err); ok && !src.Backup {
			c.Damage = append(c.Damage, damaged)
			break
		}
		if err != nil {
			return c, err
		}
		c.Head = step.State.Head
		c.Changes++
		says := told{src, c.Head.Digest, c.Head.Change}
		other, ok := known[c.Head.Generation]
		switch {
		case !ok:
			known[c.Head.Generation] = says
		case other.digest != says.digest:
			return c, &ConflictError{other.by.Path, src.Path, c.Head.Generation, fmt.Sprintf(
				"its digest is %s in the one and %s in the other", other.digest, says.digest)}
		case other.change != says.change:
			return c, &ConflictError{other.by.Path, src.Path, c.Head.Generation, fmt.Sprintf(
				"it was made by change %s in the one and %s in the other", other.change, says.change)}
		}
	}
	return c, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
