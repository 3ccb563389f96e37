package jsonlogic

import (
	"maps"
	"math"
	"slices"
)

// A wordList is an array of constants that a test looks into.
type wordList struct {
	all   []any
	plain bool                // there are no ranges in it
	words map[string]struct{} // its texts; nil if there are few
	few   []string            // its texts; nil if there are many
}

// fewWords is how many texts are compared one after the other, because that is
// quicker than to hash.
const fewWords = 8

func newWordList(all []any) *wordList {
	l := &wordList{all: all, plain: true}
	for _, element := range all {
		switch element := element.(type) {
		case []any:
			l.plain = false
		case string:
			l.few = append(l.few, element)
		}
	}
	if len(l.few) > fewWords {
		l.words = make(map[string]struct{}, len(l.few))
		for _, word := range l.few {
			l.words[word] = struct{}{}
		}
		l.few = nil
	}
	return l
}

// texts are the texts of the list; nil if there are none.
func (l *wordList) texts() []string {
	if l.words == nil {
		return l.few
	}
	return slices.Collect(maps.Keys(l.words))
}

func (m *machine) among(v *value, l *wordList) bool {
	if v.kind != text || !l.plain {
		return m.inList(*v, l.all).truthy()
	}
	s := v.text()
	if l.words != nil {
		_, ok := l.words[s]
		return ok
	}
	return slices.Contains(l.few, s)
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
	ways := p.ways()
	inChain := make([]bool, len(p.tests))
	for i := range slices.Backward(p.tests) {
		slot := p.tests[i].slot
		if p.tests[i].kind != testEqualText || inChain[i] || !p.startsChain(i) {
			continue
		}
		s := &textSwitch{texts: make(map[string]target)}
		at := toTest(i)
		for at.isTest() && p.tests[at].kind == testEqualText && p.tests[at].slot == slot {
			if at != toTest(i) && ways[at] > 1 {
				break // a chain that others share is one of its own, or each would copy it
			}
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

// ways counts, for each test, how many answers lead there.
func (p *Program) ways() []int {
	ways := make([]int, len(p.tests))
	count := func(to target) {
		if to.isTest() {
			ways[to]++
		}
	}
	count(p.entry)
	for i := range p.tests {
		t := &p.tests[i]
		count(t.yes)
		if t.no != t.yes {
			count(t.no)
		}
		if s, ok := t.data.(*split); ok {
			for _, to := range s.targets {
				count(to)
			}
			count(s.unusual)
		}
	}
	return ways
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
