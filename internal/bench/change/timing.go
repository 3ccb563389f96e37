package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
)

// figures are what one operation took.
type figures struct {
	P50 float64 `json:"p50Microseconds"`
	P99 float64 `json:"p99Microseconds"`
	CPU float64 `json:"cpuMicroseconds,omitempty"` // on average
}

// String is the quantiles as the tables show them.
func (f figures) String() string { return fmt.Sprintf("%.0f/%.0f", f.P50, f.P99) }

// An operation is measured again and again.
type operation struct {
	name   string
	before func() error                // nil, or what each needs first; not measured
	do     func() error                // what is measured
	after  func(start time.Time) error // nil, or what each is followed by; not measured

	took []time.Duration
	cpu  time.Duration // on average
}

// run does o once, and returns what it took.
func (o *operation) run() (wall, cpu time.Duration, err error) {
	if o.before != nil {
		if err := o.before(); err != nil {
			return 0, 0, fmt.Errorf("before %s: %w", o.name, err)
		}
	}
	used, start := cputime.Used(), time.Now()
	if err := o.do(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", o.name, err)
	}
	wall, cpu = time.Since(start), cputime.Used()-used
	if o.after != nil {
		if err := o.after(start); err != nil {
			return 0, 0, fmt.Errorf("after %s: %w", o.name, err)
		}
	}
	return wall, cpu, nil
}

// inTurns measures how long operations take, by turns: what slows the machine
// down for a while slows all of them.
func inTurns(rounds int, operations ...*operation) error {
	for range rounds {
		for _, o := range operations {
			wall, _, err := o.run()
			if err != nil {
				return err
			}
			o.took = append(o.took, wall)
		}
	}
	return nil
}

// blockSize is how many rounds of one operation are made on end.
const blockSize = 20

// inBlocks measures the processor time of operations, by turns, but many rounds
// of one at a time: servers go on after they have answered, and that belongs to
// the operation too.
func inBlocks(rounds int, operations ...*operation) error {
	used := make([]time.Duration, len(operations))
	for begun := 0; begun < rounds; begun += blockSize {
		for i, o := range operations {
			for range min(blockSize, rounds-begun) {
				_, cpu, err := o.run()
				if err != nil {
					return err
				}
				used[i] += cpu
			}
		}
	}
	for i, o := range operations {
		o.cpu = used[i] / time.Duration(rounds)
	}
	return nil
}

// figures are what o took so far.
func (o *operation) figures() figures {
	f := quantiles(o.took)
	f.CPU = microseconds(o.cpu)
	return f
}

// quantiles are by nearest rank.
func quantiles(took []time.Duration) figures {
	sorted := slices.Sorted(slices.Values(took))
	n := len(sorted)
	return figures{P50: microseconds(sorted[(n+1)/2-1]), P99: microseconds(sorted[(99*n+99)/100-1])}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
