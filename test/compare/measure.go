package main

import (
	"runtime"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
)

// A runner is one system in one case.
type runner struct {
	system     string
	attributes int          // of the contexts; 0 if there are none
	prepare    func() error // before each round, outside of what is measured; may be nil
	run        func(n int) error
	once       bool // n is always 1: that takes long enough

	n       int // what fills a batch
	samples []float64
	allocs  []float64
	bytes   []float64
}

// measure runs all runners once in each round, and begins each round with
// another one.
func measure(s settings, runners []*runner) error {
	for _, r := range runners {
		if err := r.calibrate(s.batch); err != nil {
			return err
		}
	}
	for round := range s.rounds {
		for i := range runners {
			if err := runners[(i+round)%len(runners)].sample(); err != nil {
				return err
			}
		}
	}
	return nil
}

// calibrate finds the n that takes as long as a batch, and thereby warms up.
func (r *runner) calibrate(batch time.Duration) error {
	r.n = 1
	if r.once {
		return nil
	}
	for {
		c, err := r.batch()
		if err != nil {
			return err
		}
		if c.used > batch/16 {
			r.n = max(1, int(float64(r.n)*float64(batch)/float64(c.used)))
			return nil
		}
		r.n *= 4
	}
}

// A cost is what one batch took.
type cost struct {
	used          time.Duration
	allocs, bytes uint64
}

// batch runs once.
func (r *runner) batch() (cost, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	used := cputime.Used()
	err := r.run(r.n)
	used = cputime.Used() - used
	runtime.ReadMemStats(&after)
	return cost{used, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}, err
}

// sample runs a batch that counts. It begins without the garbage of others.
func (r *runner) sample() error {
	if r.prepare != nil {
		if err := r.prepare(); err != nil {
			return err
		}
	}
	runtime.GC()
	c, err := r.batch()
	n := float64(r.n)
	r.samples = append(r.samples, float64(c.used.Nanoseconds())/n)
	r.allocs = append(r.allocs, float64(c.allocs)/n)
	r.bytes = append(r.bytes, float64(c.bytes)/n)
	return err
}

// row is what was measured.
func (r *runner) row(name string) row {
	return row{
		Case: name, Attributes: r.attributes, System: r.system,
		Nanoseconds: significant(median(r.samples)),
		Min:         significant(slices.Min(r.samples)),
		Max:         significant(slices.Max(r.samples)),
		// The runtime allocates beside what is measured, seldom and never less
		// than nothing: the lowest figure has the least of it.
		Allocations: significant(slices.Min(r.allocs)),
		Bytes:       significant(slices.Min(r.bytes)),
	}
}

func median(samples []float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
