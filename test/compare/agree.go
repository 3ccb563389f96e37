package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

// A contender is a system that is ready for a workload.
type contender struct {
	system.Maker
	system.System
}

// contenders makes all systems ready that can express w. The first is flagd,
// whose answers count.
func contenders(w workload.Workload) ([]contender, error) {
	var ready []contender
	for _, m := range system.Makers() {
		s, err := m.New(w)
		if errors.Is(err, system.ErrCannot) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		ready = append(ready, contender{m, s})
	}
	return ready, nil
}

// agree returns an error if two of ready give different answers to a question
// of w. Where one spreads subjects over shares in its own way, its answers
// have to be variants, and as many of each as the shares say.
func agree(w workload.Workload, ready []contender) error {
	questions, flagd := w.Questions(), ready[0]
	wants := make([]string, len(questions))
	for i, q := range questions {
		wants[i] = flagd.Answer(q.Flag, q.Subject)
	}
	for _, other := range ready[1:] {
		spread := make(map[string]int)
		shared := 0
		for i, q := range questions {
			f := w.Flags[q.Flag]
			got := other.Answer(q.Flag, q.Subject)
			if other.Buckets && f.Shares != nil {
				spread[f.Key+" "+got]++
				shared++
				if !hasShare(f, got) {
					return fmt.Errorf("flag %q: %s answers %q, which has no share", f.Key, other.Name, got)
				}
				continue
			}
			if got != wants[i] {
				return fmt.Errorf("flag %q for %+v: %s answers %q, %s %q",
					f.Key, w.Subjects[q.Subject], other.Name, got, flagd.Name, wants[i])
			}
		}
		if err := fair(w, other.Name, spread, shared); err != nil {
			return err
		}
	}
	return nil
}

func hasShare(f workload.Flag, variant string) bool {
	for _, s := range f.Shares {
		if s.Variant == variant {
			return true
		}
	}
	return false
}

// fair checks how often each variant of a single flag came up. It allows for
// chance what five standard deviations are; a rotation asks about each flag
// too seldom to tell.
func fair(w workload.Workload, name string, spread map[string]int, shared int) error {
	if len(w.Flags) > 1 || shared == 0 {
		return nil
	}
	f := w.Flags[0]
	for _, s := range f.Shares {
		p, n := float64(s.Percent)/100, float64(shared)
		got := float64(spread[f.Key+" "+s.Variant])
		if math.Abs(got-p*n) > 5*math.Sqrt(n*p*(1-p)) {
			return fmt.Errorf("flag %q: %s answers %q %v times of %v, which is not %d %%",
				f.Key, name, s.Variant, got, n, s.Percent)
		}
	}
	return nil
}
