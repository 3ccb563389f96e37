package jsonlogic

import (
	"maps"
	"slices"
)

// optimise shortens the ways through the graph, without changing where they
// lead.
//
// Tests are stored before those that lead to them, so that walking the slice
// backwards meets a test after all that lead to it.
func (p *Program) optimise() {
	if 2 < len(p.tests) && len(p.tests) <= maxThreaded {
		newThreader(p).run()
	}
	p.findSwitches()
	p.renumber()
	p.classify()
	for i := range p.tests {
		if t := &p.tests[i]; t.slot != noSlot && t.minds() {
			p.variables[t.slot].exact = true
		}
	}
}

// renumber leaves out the tests that no way leads to any more, and stores the
// others in the order in which they are asked.
func (p *Program) renumber() {
	r := renumbering{p: p, to: make([]target, len(p.tests)), tests: make([]test, 0, len(p.tests))}
	for i := range r.to {
		r.to[i] = -1
	}
	p.entry = r.visit(p.entry)
	p.tests = append(make([]test, 0, len(r.tests)), r.tests...)
}

type renumbering struct {
	p     *Program
	to    []target // of each old test; -1 before it was visited
	tests []test
}

// visit gives the test at old, and all that follow it, a new place. It goes down
// the chain of noes in a loop, for that can be as long as a rule.
func (r *renumbering) visit(old target) target {
	first := old
	var fresh []target
	for old.isTest() && r.to[old] < 0 {
		r.to[old] = toTest(len(r.tests))
		r.tests = append(r.tests, r.p.tests[old])
		fresh = append(fresh, r.to[old])
		old = r.p.tests[old].no
	}
	for _, at := range fresh {
		t := r.tests[at]
		switch t.kind {
		case testSwitch:
			s, _ := t.data.(*textSwitch)
			for _, name := range slices.Sorted(maps.Keys(s.texts)) { // so that each compilation gives the same
				s.texts[name] = r.visit(s.texts[name])
			}
			for i := range s.numbers {
				s.numbers[i].to = r.visit(s.numbers[i].to)
			}
		case testSplit:
			s, _ := t.data.(*split)
			for i := range s.targets {
				s.targets[i] = r.visit(s.targets[i])
			}
			s.unusual = r.visit(s.unusual)
		}
		t.yes, t.no = r.visit(t.yes), r.visit(t.no)
		r.tests[at] = t
	}
	if first.isTest() {
		return r.to[first]
	}
	return first
}
