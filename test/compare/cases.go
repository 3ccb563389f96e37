package main

import (
	"fmt"
	"io"

	"github.com/flagline/flagline/test/compare/workload"
)

// The cases beside those of one flag, which are named as their kind is.
const (
	rotation  = "rotation"
	bulk1000  = "evaluate all of 1,000"
	bulk10000 = "evaluate all of 10,000"
	load10000 = "load 10,000"
)

// sweeps is how many times a rotation goes over all flags before it repeats a
// pair.
const sweeps = 8

// measureAll runs all cases that are asked for.
func measureAll(out io.Writer, s settings) (*figures, error) {
	f := newFigures(s.rounds)
	for _, kind := range workload.Kinds() {
		// Both in one go, since they are held against each other.
		err := f.evaluate(out, s, string(kind), workload.Warm(kind, workload.Few), workload.Warm(kind, workload.Many))
		if err != nil {
			return nil, err
		}
	}
	if err := f.evaluate(out, s, rotation, workload.Rotation(s.flags(1000), sweeps)); err != nil {
		return nil, err
	}
	if err := f.bulk(out, s, bulk1000, s.flags(1000)); err != nil {
		return nil, err
	}
	if err := f.bulk(out, s, bulk10000, s.flags(10000)); err != nil {
		return nil, err
	}
	if err := f.load(out, s, load10000, s.flags(10000)); err != nil {
		return nil, err
	}
	return f, nil
}

// wanted says whether the case name is to be run, and if so tells out.
func (s settings) wanted(out io.Writer, name string) bool {
	if !s.only.MatchString(name) {
		return false
	}
	fmt.Fprintln(out, name)
	return true
}

// evaluate compares and measures the systems that can express workloads.
func (f *figures) evaluate(out io.Writer, s settings, name string, workloads ...workload.Workload) error {
	if !s.wanted(out, name) {
		return nil
	}
	var runners []*runner
	for _, w := range workloads {
		ready, err := contenders(w)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := agree(w, ready); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range ready {
			runners = append(runners, &runner{system: c.Name, attributes: w.Attributes, run: asker(c, w.Pairs)})
		}
	}
	return f.add(s, name, runners)
}

// asker asks c about pairs in turn. The call through an interface is the same
// for all systems and part of their figures.
func asker(c contender, pairs []workload.Pair) func(n int) error {
	next, answered := 0, 0
	return func(n int) error {
		for range n {
			p := pairs[next]
			if next++; next == len(pairs) {
				next = 0
			}
			answered += len(c.System.Answer(p.Flag, p.Subject))
		}
		if answered == 0 {
			return fmt.Errorf("%s gave no answer", c.Name)
		}
		return nil
	}
}

// add measures runners, and keeps what they took.
func (f *figures) add(s settings, name string, runners []*runner) error {
	if err := measure(s, runners); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, r := range runners {
		f.Rows = append(f.Rows, r.row(name))
	}
	return nil
}
