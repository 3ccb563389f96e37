package main

import (
	"fmt"
	"math"

	"github.com/flagline/flagline/test/compare/workload"
)

// A goal is what a figure has to be: the gate has to hold, the aim is what floors
// and prototypes say is there.
type goal struct {
	title  string
	figure func(*figures) (ratio, bool)
	atMost bool // rather than at least
	gate   float64
	aim    func(*figures) float64
}

// fixed is an aim that does not depend on what was measured.
func fixed(v float64) func(*figures) float64 { return func(*figures) float64 { return v } }

// goals are those of the provider.
func goals() []goal {
	list := make([]goal, 0, 40)
	for _, n := range fewAndMany {
		for _, kase := range []string{staticCase, endswithCase} {
			list = append(list, overFloor(kase, n, ours, 1.15, 1.05))
		}
	}
	list = append(list,
		underFlagd(staticCase, 2),
		underFlagd(endswithCase, 7),
	)
	for _, n := range fewAndMany {
		for _, kase := range []string{staticCase, endswithCase} {
			list = append(list, overFloor(kase, n, oursKnown, 1.3, 1.15))
		}
	}
	for _, n := range fewAndMany {
		list = append(list,
			less(askedCase, n, flagdAsking, endswithCase, oursKnown, 3, 5),
			less(askedCase, n, flagdAsking, askedCase, oursAsking, 3, 5),
			less(askedCase, n, flagdFresh, askedCase, oursFresh, 3, 5),
			less(askedCase, n, flagdSocket, askedCase, oursAskingSocket, 3, 5),
			less(eightCase, n, flagdFresh, eightCase, oursFresh, 3, 5),
			less(eightCase, n, flagdFreshSocket, eightCase, oursFreshSocket, 3, 5),
			less(manyCase, n, flagdFresh, manyCase, oursFresh, 3, 5),
			less(manyCase, n, flagdFreshSocket, manyCase, oursFreshSocket, 3, 5),
		)
	}
	for _, n := range fewAndMany {
		list = append(list,
			less(staticCase, n, ours, staticBare, oursHandle, 20, 50),
			less(endswithCase, n, ours, endswithBare, oursHandle, 20, 50),
		)
	}
	for _, n := range fewAndMany {
		list = append(list,
			allocations(staticCase, n, ours), allocations(endswithCase, n, ours),
			allocations(staticCase, n, oursKnown), allocations(endswithCase, n, oursKnown),
			allocations(staticBare, n, oursHandle), allocations(endswithBare, n, oursHandle),
		)
	}
	for _, system := range []string{ours, oursHandle, oursKnown} {
		for _, flag := range []string{static.Key, endswith.Key} {
			list = append(list, whileChanging(system, flag))
		}
	}
	return append(list, uncontended(ours), uncontended(oursKnown))
}

func titled(kase string, attributes int, of, to string) string {
	return fmt.Sprintf("%s, %d attributes: %s / %s", kase, attributes, of, to)
}

// overFloor is what a way through the SDK takes relative to a constant.
func overFloor(kase string, attributes int, system string, gate, aim float64) goal {
	return goal{title: titled(kase, attributes, system, constant), atMost: true, gate: gate, aim: fixed(aim), figure: func(f *figures) (ratio, bool) {
		a, ok := f.find(kase, attributes, system)
		b, ok2 := f.find(kase, attributes, constant)
		return a.over(b), ok && ok2
	}}
}

// underFlagd is how much more flagd takes in-process. The aim is what can be had
// at all: what it takes relative to a constant, give or take the aim that we have
// there.
func underFlagd(kase string, gate float64) goal {
	g := less(kase, workload.Few, flagd, kase, ours, gate, 0)
	g.aim = func(f *figures) float64 {
		const nearly = 1.05
		a, _ := f.find(kase, workload.Few, flagd)
		b, _ := f.find(kase, workload.Few, constant)
		return max(gate, a.over(b).median/nearly)
	}
	return g
}

// less is how much more one way takes than another, which may be that of another
// case.
func less(kase string, attributes int, of, otherCase, to string, gate, aim float64) goal {
	return goal{title: titled(kase, attributes, of, to), gate: gate, aim: fixed(aim), figure: func(f *figures) (ratio, bool) {
		a, ok := f.find(kase, attributes, of)
		b, ok2 := f.find(otherCase, attributes, to)
		return a.over(b), ok && ok2
	}}
}

// allocations are those beyond the SDK's, of which a way past it has none.
func allocations(kase string, attributes int, system string) goal {
	title := fmt.Sprintf("%s, %d attributes: allocations of %s", kase, attributes, system)
	return goal{title: title, atMost: true, aim: fixed(0), figure: func(f *figures) (ratio, bool) {
		a, ok := f.find(kase, attributes, system)
		b, _ := f.find(kase, attributes, constant)
		return exactly(hundredths(math.Max(0, a.Allocations-b.Allocations))), ok
	}}
}

// whileChanging is what changes add to the cost of evaluations.
func whileChanging(system, flag string) goal {
	title := fmt.Sprintf("%s, %s: with 1,000 changes a second / without", flag, system)
	return goal{title: title, atMost: true, gate: 1.2, aim: fixed(1.2), figure: func(f *figures) (ratio, bool) {
		for _, r := range f.Changes {
			if r.System == system && r.Flag == flag {
				return ratio{r.Busy / r.Rest, r.BusyMin / r.RestMax, r.BusyMax / r.RestMin}, true
			}
		}
		return ratio{}, false
	}}
}

func uncontended(system string) goal {
	return goal{title: system + ": waits for a lock of ours", atMost: true, aim: fixed(0), figure: func(f *figures) (ratio, bool) {
		for _, r := range f.Contention {
			if r.System == system {
				return exactly(float64(r.Ours)), true
			}
		}
		return ratio{}, false
	}}
}

// A state is how far a figure has come.
type state string

// The states, from the best.
const (
	met    state = "met"
	within state = "gate"
	missed state = "missed"
)

// A result is what came of a goal.
type result struct {
	Title  string  `json:"goal"`
	Figure float64 `json:"figure"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	AtMost bool    `json:"atMost,omitempty"`
	Gate   float64 `json:"gate"`
	Aim    float64 `json:"aim"`
	State  state   `json:"state"`
}

// results are those of the goals that were measured.
func (f *figures) results() []result {
	var list []result
	for _, g := range goals() {
		v, ok := g.figure(f)
		if !ok {
			continue
		}
		r := result{
			Title: g.title, Figure: significant(v.median), Low: significant(v.low), High: significant(v.high),
			AtMost: g.atMost, Gate: g.gate, Aim: significant(g.aim(f)),
		}
		r.State = r.judge(v.median)
		list = append(list, r)
	}
	return list
}

// judge says how far v has come.
func (r result) judge(v float64) state {
	reaches := func(bound float64) bool { return v >= bound }
	if r.AtMost {
		reaches = func(bound float64) bool { return v <= bound }
	}
	switch {
	case !reaches(r.Gate):
		return missed
	case reaches(r.Aim):
		return met
	default:
		return within
	}
}
