package main

import (
	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

// A goal is what a figure has to be: the gate has to hold, the aim is what
// prototypes and floors say is there.
type goal struct {
	title  string
	figure func(*figures) (ratio, bool)
	atMost bool // rather than at least
	gate   float64
	aim    float64

	// The case in which ours must not allocate, if there is one.
	kind       workload.Kind
	attributes int
}

// goals are those of this comparison.
func goals() []goal {
	list := []goal{
		warm(workload.Static, workload.Few, 60, 120),
		warm(workload.Record, workload.Few, 60, 120),
		warm(workload.Suffix, workload.Few, 300, 650),
		warm(workload.Suffix, workload.Many, 600, 1300),
		warm(workload.Chain10, workload.Few, 350, 700),
		warm(workload.Frac2, workload.Few, 200, 420),
		warm(workload.Frac4, workload.Few, 200, 420),
		warm(workload.Nested20, workload.Few, 250, 700),
		warm(workload.Chain100, workload.Few, 2000, 7500),
	}
	for _, kind := range workload.Kinds() {
		list = append(list, goal{
			title: string(kind) + ", 30 attributes / 5", figure: manyOverFew(kind), atMost: true, gate: 1.3, aim: 1.1,
		})
	}
	return append(list,
		goal{title: bulk1000, figure: flagdOverOurs(bulk1000, workload.Few), gate: 150, aim: 390},
		goal{title: bulk10000, figure: flagdOverOurs(bulk10000, workload.Few), gate: 60, aim: 170},
		goal{title: rotation + " of 1,000 × 1,000", figure: flagdOverOurs(rotation, workload.Few), gate: 100, aim: 300},
		goal{title: load10000 + ", validated", figure: flagdOverOurs(load10000, 0), gate: 15, aim: 40},
		goal{title: "bytes of heap per flag", figure: heapPerFlag, atMost: true, gate: 1200, aim: 900},
	)
}

func warm(kind workload.Kind, attributes int, gate, aim float64) goal {
	g := goal{
		title: string(kind), figure: flagdOverOurs(string(kind), attributes),
		gate: gate, aim: aim, kind: kind, attributes: attributes,
	}
	if attributes == workload.Many {
		g.title += ", 30 attributes"
	}
	return g
}

func flagdOverOurs(name string, attributes int) func(*figures) (ratio, bool) {
	return func(f *figures) (ratio, bool) { return f.ratio(name, attributes, system.Flagd, system.Ours) }
}

func manyOverFew(kind workload.Kind) func(*figures) (ratio, bool) {
	return func(f *figures) (ratio, bool) {
		many, ok := f.find(string(kind), workload.Many, system.Ours)
		few, ok2 := f.find(string(kind), workload.Few, system.Ours)
		if !ok || !ok2 || few.Min == 0 {
			return ratio{}, false
		}
		return ratio{many.Nanoseconds / few.Nanoseconds, many.Min / few.Max, many.Max / few.Min}, true
	}
}

func heapPerFlag(f *figures) (ratio, bool) {
	for _, r := range f.Heap {
		if r.System == system.Ours {
			return ratio{r.BytesPerFlag, r.BytesPerFlag, r.BytesPerFlag}, true
		}
	}
	return ratio{}, false
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
	Title       string   `json:"goal"`
	Figure      float64  `json:"figure"`
	Low         float64  `json:"low"`
	High        float64  `json:"high"`
	AtMost      bool     `json:"atMost,omitempty"`
	Gate        float64  `json:"gate"`
	Aim         float64  `json:"aim"`
	Allocations *float64 `json:"allocations,omitempty"` // where none are allowed
	State       state    `json:"state"`
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
			AtMost: g.atMost, Gate: g.gate, Aim: g.aim,
		}
		if ours, ok := f.find(string(g.kind), g.attributes, system.Ours); ok {
			r.Allocations = &ours.Allocations
		}
		r.State = g.judge(v.median, r.Allocations)
		list = append(list, r)
	}
	return list
}

func (g goal) judge(v float64, allocations *float64) state {
	reaches := func(bound float64) bool { return v >= bound }
	if g.atMost {
		reaches = func(bound float64) bool { return v <= bound }
	}
	switch {
	case allocations != nil && *allocations > 0 || !reaches(g.gate):
		return missed
	case reaches(g.aim):
		return met
	default:
		return within
	}
}
