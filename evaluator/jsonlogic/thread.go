package jsonlogic

import (
	"math"
	"slices"
)

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
