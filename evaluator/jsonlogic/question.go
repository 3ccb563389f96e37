package jsonlogic

import "slices"

// question returns the test of a variable that n is.
func (l *linker) question(n *node) (test, bool) {
	if !n.list || len(n.args) < 2 {
		return test{}, false
	}
	a, b := &n.args[0], &n.args[1]
	switch {
	case n.op == opSemVer:
		return l.versionQuestion(n)
	case len(n.args) != 2:
		return test{}, false
	case a.op == opSlot && b.op == opConstant:
		return l.compared(n.op, a.slot, b.val)
	case a.op == opConstant && b.op == opSlot:
		return l.compared(mirrored[n.op], b.slot, a.val)
	}
	return test{}, false
}

// mirrored are the operators that say the same with their operands the other way
// round. opConstant stands for none.
var mirrored = map[operator]operator{
	opEqual: opEqual, opUnequal: opEqual, opSame: opSame, opDifferent: opSame,
	opLess: opGreater, opLessOrEqual: opGreaterOrEqual, opGreater: opLess, opGreaterOrEqual: opLessOrEqual,
	opIn: opHas,
}

func (l *linker) compared(op operator, slot uint16, c value) (test, bool) {
	t := test{slot: slot, against: c.kind, num: c.toNumber(), str: c.text()}
	isContainer := c.kind == array || c.kind == object
	switch op {
	case opEqual, opUnequal:
		switch c.kind {
		case null:
			t.kind = testNull
		case text:
			t.kind = testEqualText
		case number, boolean:
			t.kind = testEqualNumber
		default:
			return t, false
		}
	case opSame, opDifferent:
		if isContainer || c.kind == integer {
			return t, false
		}
		t.kind = testSame
		if c.kind == null {
			t.kind = testNull
		}
		if c.kind == text {
			t.num = 0
		}
	case opLess, opLessOrEqual, opGreater, opGreaterOrEqual:
		t.kind = testLess + testKind(op-opLess)
		return t, c.kind == number || c.kind == boolean || c.kind == text
	case opIn:
		if c.kind != array {
			return t, false
		}
		t.kind = testAmong
		t.data = newWordList(c.list())
	case opHas:
		t.kind = testContains
		return t, c.kind == text
	case opStartsWith, opEndsWith:
		t.kind = testStarts + testKind(op-opStartsWith)
		return t, c.kind == text
	default:
		return t, false
	}
	return t, true
}

func (l *linker) versionQuestion(n *node) (test, bool) {
	if len(n.args) != 3 || n.args[0].op != opSlot || n.args[1].op != opConstant || n.args[2].op != opConstant {
		return test{}, false
	}
	slot := n.args[0].slot
	r, release := relations[n.args[1].val.text()], versionOf(n.args[2].val)
	memo := slices.Index(l.memos, slot)
	if r == noRelation || release.state != versionValid || memo < 0 && len(l.memos) == maxMemos {
		return test{}, false
	}
	if memo < 0 {
		memo = len(l.memos)
		l.memos = append(l.memos, slot)
	}
	l.p.versioned = true
	return test{kind: testVersion, slot: slot, memo: uint8(memo), rel: r, data: &release}, true
}
