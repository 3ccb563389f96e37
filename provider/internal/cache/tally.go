package cache

import (
	"math/rand/v2"
	"sync/atomic"
)

// stripes is over how many cache lines a tally is spread; a power of two.
const stripes = 16

// A tally counts what happens on many cores at once. It is spread so that these
// seldom write to the same cache line. The striped counter of package xsync finds
// its stripe in a sync.Pool, which takes a lock now and then.
type tally [stripes]struct {
	count atomic.Uint64
	_     [56]byte
}

func (t *tally) add() { t[rand.Uint32()%stripes].count.Add(1) } //nolint:gosec // any stripe will do

func (t *tally) sum() (sum uint64) {
	for i := range t {
		sum += t[i].count.Load()
	}
	return sum
}
