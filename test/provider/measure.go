package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
)

// A runner is one way to ask in one case.
type runner struct {
	kase   kase
	system string
	run    func(n int) error

	n       int // what fills a batch
	samples []float64
	allocs  []float64
	bytes   []float64
}

func (r *runner) explain(err error) error {
	return fmt.Errorf("%s, %d attributes, %s: %w", r.kase.name, r.kase.attributes, r.system, err)
}

// calibrate finds the n that takes as long as a batch, and thereby warms up.
func (r *runner) calibrate(batch time.Duration) error {
	for r.n = 1; ; r.n *= 4 {
		c, err := r.batch()
		if err != nil {
			return err
		}
		if c.used > batch/16 {
			r.n = max(1, int(float64(r.n)*float64(batch)/float64(c.used)))
			return nil
		}
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
	runtime.GC()
	c, err := r.batch()
	n := float64(r.n)
	r.samples = append(r.samples, float64(c.used.Nanoseconds())/n)
	r.allocs = append(r.allocs, float64(c.allocs)/n)
	r.bytes = append(r.bytes, float64(c.bytes)/n)
	return err
}

// row is what was measured.
func (r *runner) row() row {
	return row{
		Case: r.kase.name, Attributes: r.kase.attributes, System: r.system,
		Nanoseconds: significant(median(r.samples)),
		Min:         significant(slices.Min(r.samples)),
		Max:         significant(slices.Max(r.samples)),
		// The runtime allocates beside what is measured, seldom and never less
		// than nothing: the lowest figure has the least of it.
		Allocations: hundredths(slices.Min(r.allocs)),
		Bytes:       significant(slices.Min(r.bytes)),
	}
}

func median(samples []float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
