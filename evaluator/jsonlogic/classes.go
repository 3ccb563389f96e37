package jsonlogic

import (
	"math"
	"slices"
	"strings"
)

// classes say of a text, in one look, which of the questions about a variable
// that name texts are answered with yes: question i by bit i. Once a variable is
// read, each of these questions costs as much as looking at a bit.
type classes map[string]uint64

// of returns the classes of a text as they are kept beside it, in place of the
// number that a text does not have.
func (c classes) of(s string) float64 { return math.Float64frombits(c[s]) }

func inClass(num float64, class uint8) bool { return math.Float64bits(num)>>class&1 != 0 }

const (
	maxClasses = 64
	manyTexts  = 6 // from how many texts on looking them all up at once is quicker
)

// classify turns the questions that name texts into classes, for variables of
// which many texts are named.
func (p *Program) classify() {
	for slot := range p.variables {
		if c := p.classesOf(uint16(slot)); c != nil { //nolint:gosec // at most maxSlots
			p.variables[slot].addClasses(c)
		}
	}
}

func (p *Program) classesOf(slot uint16) classes {
	var asking []*test
	texts := 0
	for i := range p.tests {
		t := &p.tests[i]
		if t.slot != slot {
			continue
		}
		if n := t.namesTexts(); n > 0 {
			asking = append(asking, t)
			texts += n
		}
	}
	if len(asking) < 2 || texts < manyTexts {
		return nil
	}
	c := make(classes, texts)
	var firsts []*test // of each class
	for _, t := range asking {
		class := slices.IndexFunc(firsts, func(first *test) bool { return first.data == t.data && first.str == t.str })
		if class < 0 {
			if len(firsts) == maxClasses {
				continue
			}
			class = len(firsts)
			first := *t
			firsts = append(firsts, &first)
			for _, s := range t.texts() {
				c[s] |= 1 << class
			}
		}
		t.kind, t.memo = testClass, uint8(class) //nolint:gosec // below maxClasses
	}
	return c
}

// namesTexts is how many texts the test names; see texts.
func (t *test) namesTexts() int {
	switch t.kind {
	case testEqualText:
		return 1
	case testAmong:
		if l, _ := t.data.(*wordList); l.plain {
			return len(l.few) + len(l.words)
		}
	}
	return 0
}

// texts are those that the test names, if its answer for a text is whether that
// is one of them.
func (t *test) texts() []string {
	switch t.kind {
	case testEqualText:
		return []string{t.str}
	case testAmong:
		if l, _ := t.data.(*wordList); l.plain {
			return l.texts()
		}
	}
	return nil
}

// minds says whether the answer can depend on what stands for bytes that are not
// UTF-8: they count as U+FFFD. A text that has them equals none that has not.
func (t *test) minds() bool {
	const replacement = "\uFFFD"
	switch t.kind {
	case testSplit:
		return true
	case testLess, testLessOrEqual, testGreater, testGreaterOrEqual:
		return t.against == text
	case testAmong, testClass:
		if l, ok := t.data.(*wordList); ok {
			return !l.plain || slices.ContainsFunc(l.texts(), func(s string) bool { return strings.Contains(s, replacement) })
		}
	case testSwitch:
		s, _ := t.data.(*textSwitch)
		for name := range s.texts {
			if strings.Contains(name, replacement) {
				return true
			}
		}
	}
	return strings.Contains(t.str, replacement)
}
