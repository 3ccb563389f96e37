package jsonlogic

// A target is where a test leads: another test, or a leaf, which is a constant
// or a tree whose value is the result.
type target int32

const treeLeaf = 1 << 30

func toTest(i int) target     { return target(i) }             //nolint:gosec // bounded by MaxNodes
func toConstant(i int) target { return ^target(i) }            //nolint:gosec // bounded by MaxNodes
func toTree(i int) target     { return ^target(i | treeLeaf) } //nolint:gosec // bounded by MaxNodes

func (t target) isTest() bool     { return t >= 0 }
func (t target) isConstant() bool { return t < 0 && ^t&treeLeaf == 0 }
func (t target) index() int {
	if t >= 0 {
		return int(t)
	}
	return int(^t &^ treeLeaf)
}

// A testKind is a question with two answers, or with many.
type testKind uint8

const (
	testTrue      testKind = iota // the slot is true
	testFirst                     // it is true, or if it is an array, its first element
	testNull                      // it is null
	testEqualText                 // it == a text
	testEqualNumber
	testSame // it === a constant
	testLess // it < a constant
	testLessOrEqual
	testGreater
	testGreaterOrEqual
	testAmong    // it is in a list of constants
	testContains // it has a text, or an element
	testStarts
	testEnds
	testVersion
	testClass  // its text belongs to a class; what the class is, is asked of what is no text
	testTree   // the value of a tree is true
	testSwitch // leads where its text says
	testSplit  // leads where the subject's bucket is
)

// A test is one node of the graph.
type test struct {
	kind    testKind
	against kind     // of what the slot is compared with
	rel     relation // of testVersion
	memo    uint8    // of testVersion: where the slot is remembered as a version; of testClass: the class
	slot    uint16
	yes, no target
	num     float64 // the constant, as a number
	str     string  // the constant, as a text
	data    any     // what else belongs to the test: a pointer, whose type its kind says
}

// walk goes through the graph until it comes to a leaf, or fails. What it reads
// from the context it keeps in slots and versions. They are handed down beside
// the machine, not in it, because so they can live on the stack.
func (m *machine) walk(slots []value, versions []version) target {
	p := m.program
	at := p.entry
	var nowhere value
	for at.isTest() && m.err == nil {
		t := &p.tests[at]
		v := &nowhere
		if int(t.slot) < len(slots) {
			if v = &slots[t.slot]; v.kind == unread {
				m.load(v, t.slot)
			}
		}
		var ok bool
		switch t.kind {
		case testEqualText:
			ok = t.equalsText(v)
		case testAmong:
			l, _ := t.data.(*wordList)
			ok = m.among(v, l)
		case testClass:
			if v.kind == text {
				ok = inClass(v.num, t.memo)
			} else if l, isList := t.data.(*wordList); isList {
				ok = m.among(v, l)
			} else {
				ok = t.equalsText(v)
			}
		case testContains:
			m.charge(v.effort())
			ok = m.contains(v, t.str)
		case testVersion:
			release, _ := t.data.(*version)
			ok = t.holdsVersion(v, &versions[t.memo], release)
		case testTree:
			n, _ := t.data.(*node)
			ok = m.eval(n, value{kind: wholeContext}).truthy()
		case testSwitch:
			s, _ := t.data.(*textSwitch)
			at = s.choose(v, t.no)
			continue
		case testSplit:
			s, _ := t.data.(*split)
			at = m.choose(v, s, t.no)
			continue
		default:
			if v.kind == text && t.readsNumber() {
				m.charge(v.effort())
			}
			ok = t.holds(v)
		}
		if ok {
			at = t.yes
		} else {
			at = t.no
		}
	}
	return at
}

// readsNumber says whether a text is read as a number, as far as it is one.
func (t *test) readsNumber() bool {
	return t.against != text && (t.kind == testEqualNumber || testLess <= t.kind && t.kind <= testGreaterOrEqual)
}

// holds answers the tests of a slot with a constant.
func (t *test) holds(v *value) bool {
	switch t.kind {
	case testTrue:
		return v.truthy()
	case testFirst:
		if v.kind == array && len(v.list()) > 0 {
			return valueOf(v.list()[0]).truthy()
		}
		return v.truthy()
	case testNull:
		return v.kind == null
	case testEqualText:
		return t.equalsText(v)
	case testEqualNumber:
		return v.kind != null && v.toNumber() == t.num
	case testSame:
		return v.kind == t.against && (v.kind == text || v.num == t.num) && v.text() == t.str
	case testStarts:
		s := v.text()
		return v.kind == text && len(s) >= len(t.str) && s[:len(t.str)] == t.str
	case testEnds:
		s := v.text()
		return v.kind == text && len(s) >= len(t.str) && s[len(s)-len(t.str):] == t.str
	default:
		return t.ordered(v)
	}
}

func (t *test) equalsText(v *value) bool {
	if v.kind == text {
		return v.text() == t.str
	}
	return v.kind != null && v.toNumber() == t.num
}

// ordered answers the tests of order. A text is compared with a text as a text,
// with anything else as a number.
func (t *test) ordered(v *value) bool {
	if v.kind == text && t.against == text {
		s := v.text()
		switch t.kind {
		case testLess:
			return s < t.str
		case testLessOrEqual:
			return s <= t.str
		case testGreater:
			return s > t.str
		default:
			return s >= t.str
		}
	}
	x := v.toNumber()
	switch t.kind {
	case testLess:
		return x < t.num
	case testLessOrEqual:
		return x < t.num || x == t.num && v.kind != null
	case testGreater:
		return x > t.num
	default:
		return x > t.num || x == t.num && v.kind != null
	}
}

// holdsVersion compares a variable, which is read as a version once, with a
// release.
func (t *test) holdsVersion(v *value, own, release *version) bool {
	if own.state == versionUnread {
		if v.kind == text {
			*own = parseVersion(v.text())
		} else {
			*own = versionOf(*v)
		}
	}
	return own.state == versionValid && t.rel.holds(own, release)
}
