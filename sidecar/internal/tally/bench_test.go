package tally_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// The worst case: every goroutine counts the same answer.
func BenchmarkOneHotFlag(b *testing.B) {
	c := tally.New().Counter("hot", "on", evaluator.ReasonStatic)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Single()
		}
	})
}

// Each goroutine has an answer of its own; the counters were made in a row.
func BenchmarkNeighbours(b *testing.B) {
	counts := tally.New()
	var next atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := counts.Counter(fmt.Sprint("flag-", next.Add(1)), "on", evaluator.ReasonStatic)
		for pb.Next() {
			c.Single()
		}
	})
}

// What it costs not to keep the counter.
func BenchmarkFindAndCount(b *testing.B) {
	counts := tally.New()
	for i := range 10_000 {
		counts.Counter(fmt.Sprint("flag-", i), "on", evaluator.ReasonStatic)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			counts.Counter("flag-77", "on", evaluator.ReasonStatic).Single()
		}
	})
}

// What a scrape pays for the figures alone.
func BenchmarkAll(b *testing.B) {
	counts := tally.New()
	for i := range 10_000 {
		counts.Counter(fmt.Sprint("flag-", i), "on", evaluator.ReasonStatic)
	}
	b.ReportAllocs()
	for b.Loop() {
		for range counts.All() {
		}
	}
}
