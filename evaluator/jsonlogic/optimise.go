package jsonlogic

import (
	"math"
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

// maxThreaded is up to how many tests the threading of jumps, whose time grows
// with their square, is worth it.
const maxThreaded = 256

// A threader leads each test's answers past the tests that are thereby answered:
// past a question that was asked on every way to it, or that follows from a
// variable being equal to a text.
type threader struct {
	p         *Program
	questions []int    // of each test, the first test that asks the same
	known     []answer // known[test*n+question]: what all ways to the test agree upon
	reached   []bool
}

// An answer is what is known about a question.
type answer uint8

const (
	unknown answer = iota
	isYes
	isNo
)

func newThreader(p *Program) *threader {
	n := len(p.tests)
	t := &threader{p: p, questions: make([]int, n), known: make([]answer, n*n), reached: make([]bool, n)}
	for i := range p.tests {
		t.questions[i] = i
		for j := range i {
			if asksSame(&p.tests[j], &p.tests[i]) {
				t.questions[i] = j
				break
			}
		}
	}
	return t
}

// asksSame says whether a and b are the same question, with one answer.
func asksSame(a, b *test) bool {
	if a.kind != b.kind || a.slot != b.slot || a.against != b.against ||
		a.num != b.num && !bothNaN(a.num, b.num) || a.str != b.str {
		return false
	}
	switch a.kind {
	case testTree, testSplit, testSwitch:
		return a.data == b.data
	case testAmong:
		x, _ := a.data.(*wordList)
		y, _ := b.data.(*wordList)
		return !slices.ContainsFunc(x.all, isContainer) && !slices.ContainsFunc(y.all, isContainer) && slices.Equal(x.all, y.all)
	case testVersion:
		x, _ := a.data.(*version)
		y, _ := b.data.(*version)
		return a.rel == b.rel && *x == *y
	default:
		return true
	}
}

func bothNaN(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) }

func isContainer(v any) bool {
	k := valueOf(v).kind
	return k == array || k == object
}

func (t *threader) run() {
	if !t.p.entry.isTest() {
		return
	}
	n := len(t.p.tests)
	t.reached[t.p.entry] = true
	facts := make([]answer, n)
	for i := int(t.p.entry); i >= 0; i-- {
		if !t.reached[i] {
			continue
		}
		current := &t.p.tests[i]
		for _, a := range [...]answer{isYes, isNo} {
			copy(facts, t.known[i*n:(i+1)*n])
			to := &current.no
			if a == isYes {
				to = &current.yes
			}
			t.learn(current, i, a, facts)
			*to = t.follow(*to, facts)
			t.arrive(*to, facts)
		}
		if current.kind == testSplit {
			t.splitWays(current, t.known[i*n:(i+1)*n])
		}
	}
}

// splitWays tells the tests behind a split what was known before it.
func (t *threader) splitWays(current *test, facts []answer) {
	s, _ := current.data.(*split)
	for _, to := range s.targets {
		t.arrive(to, facts)
	}
	t.arrive(s.unusual, facts)
}

// learn adds what follows from the answer a to test i.
func (t *threader) learn(current *test, i int, a answer, facts []answer) {
	if current.kind == testSplit {
		return
	}
	facts[t.questions[i]] = a
	// Only a text equals a text that is no number.
	if a != isYes || current.kind != testEqualText && (current.kind != testSame || current.against != text) ||
		current.kind == testEqualText && !math.IsNaN(current.num) {
		return
	}
	v := textual(current.str)
	for j := range t.p.tests {
		other := &t.p.tests[j]
		if t.questions[j] != j || other.slot != current.slot {
			continue
		}
		if holds, ok := answers(other, v); ok {
			facts[j] = isNo
			if holds {
				facts[j] = isYes
			}
		}
	}
}

// answers answers t for a variable that is the text v, if t is about nothing
// else.
func answers(t *test, v value) (holds, ok bool) {
	var m machine
	switch t.kind {
	case testTree, testSplit, testSwitch:
		return false, false
	case testAmong:
		l, _ := t.data.(*wordList)
		return l.plain && m.among(&v, l), l.plain
	case testContains:
		return m.contains(&v, t.str), true
	case testVersion:
		var own version
		release, _ := t.data.(*version)
		return t.holdsVersion(&v, &own, release), true
	default:
		return t.holds(&v), true
	}
}

// follow goes on from to as long as the answers are known.
func (t *threader) follow(to target, facts []answer) target {
	for to.isTest() {
		next := &t.p.tests[to]
		if next.kind == testSplit {
			return to
		}
		switch facts[t.questions[to]] {
		case isYes:
			to = next.yes
		case isNo:
			to = next.no
		default:
			return to
		}
	}
	return to
}

// arrive keeps, of what is known at a test, what is known on this way too.
func (t *threader) arrive(to target, facts []answer) {
	if !to.isTest() {
		return
	}
	n := len(t.p.tests)
	known := t.known[int(to)*n : (int(to)+1)*n]
	if !t.reached[to] {
		t.reached[to] = true
		copy(known, facts)
		return
	}
	for q := range known {
		if known[q] != facts[q] {
			known[q] = unknown
		}
	}
}

// A textSwitch is a chain of tests whether a variable equals this or that text.
type textSwitch struct {
	texts   map[string]target
	numbers []numberCase // those of the texts that a number can equal, in order
}

type numberCase struct {
	num float64
	to  target
}

func (s *textSwitch) choose(v *value, no target) target {
	switch v.kind {
	case text:
		if to, ok := s.texts[v.text()]; ok {
			return to
		}
	case number, boolean, integer:
		for _, c := range s.numbers {
			if c.num == v.num {
				return c.to
			}
		}
	}
	return no
}

// fewTexts is how many texts are compared one after the other, because that is
// quicker than to hash.
const fewTexts = 6

// findSwitches replaces the first test of long chains.
func (p *Program) findSwitches() {
	if len(p.tests) < fewTexts {
		return
	}
	inChain := make([]bool, len(p.tests))
	for i := range slices.Backward(p.tests) {
		slot := p.tests[i].slot
		if p.tests[i].kind != testEqualText || inChain[i] || !p.startsChain(i) {
			continue
		}
		s := &textSwitch{texts: make(map[string]target)}
		at := toTest(i)
		for at.isTest() && p.tests[at].kind == testEqualText && p.tests[at].slot == slot {
			t := &p.tests[at]
			inChain[at] = true
			if _, ok := s.texts[t.str]; !ok {
				s.texts[t.str] = t.yes
			}
			if !math.IsNaN(t.num) {
				s.numbers = append(s.numbers, numberCase{t.num, t.yes})
			}
			at = t.no
		}
		if len(s.texts) <= fewTexts {
			continue
		}
		p.tests[i] = test{kind: testSwitch, slot: slot, data: s, yes: at, no: at}
	}
}

// startsChain says whether enough tests follow test i to be worth a look.
func (p *Program) startsChain(i int) bool {
	slot, at := p.tests[i].slot, toTest(i)
	for range fewTexts {
		if !at.isTest() || p.tests[at].kind != testEqualText || p.tests[at].slot != slot {
			return false
		}
		at = p.tests[at].no
	}
	return true
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
			for name, to := range s.texts {
				s.texts[name] = r.visit(to)
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
