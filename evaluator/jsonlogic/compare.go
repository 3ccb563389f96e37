package jsonlogic

import "strings"

// equal is ==.
func equal(a, b value) bool {
	switch {
	case a.kind == null || b.kind == null:
		return a.kind == b.kind
	case a.kind == text && b.kind == text:
		return a.text() == b.text()
	}
	return a.toNumber() == b.toNumber()
}

// same is ===: arrays and objects are never the same as anything.
func same(a, b value) bool { return a.kind == b.kind && equal(a, b) }

// less is <. Null counts as 0.
func less(a, b value) bool {
	if a.kind == text && b.kind == text {
		return a.text() < b.text()
	}
	return a.toNumber() < b.toNumber()
}

func lessOrEqual(a, b value) bool { return less(a, b) || equal(a, b) }

// compare evaluates an ordering of two operands or, for a range, of three.
func compare(op operator, v []value) bool {
	if len(v) < 2 {
		return false
	}
	ordered := lessOrEqual
	if op == opLess || op == opGreater {
		ordered = less
	}
	if op == opGreater || op == opGreaterOrEqual {
		return ordered(v[1], v[0]) && (len(v) != 3 || ordered(v[2], v[1]))
	}
	return ordered(v[0], v[1]) && (len(v) != 3 || ordered(v[1], v[2]))
}

// within says whether the first of v is in the second.
func (m *machine) within(v []value) value {
	if len(v) == 0 {
		return m.fail(errOperand)
	}
	needle, haystack := v[0], nothing
	if len(v) > 1 {
		haystack = v[1]
	}
	switch haystack.kind {
	case text:
		if needle.kind != text {
			return m.fail(errOperand)
		}
		return truth(strings.Contains(haystack.text(), needle.text()))
	case array:
		return m.inList(needle, haystack.list())
	default:
		return no
	}
}

// inList looks for needle among the elements of list, of which those that are
// arrays are ranges. A number finds whatever spells it, and 0 what spells none.
func (m *machine) inList(needle value, list []any) value {
	m.charge(len(list))
	for _, element := range list {
		found, ok := false, true
		e := valueOf(element)
		switch {
		case e.kind == array:
			found, ok = inRange(needle, e.list())
		case needle.kind == number, needle.kind == integer:
			var f float64
			f, ok = e.toGoNumber()
			found = needle.kind == number && f == needle.num
		default:
			found, ok = identical(needle, e)
		}
		if !ok {
			return m.fail(errOperand)
		}
		if found {
			return yes
		}
	}
	return no
}

func inRange(v value, ends []any) (found, ok bool) {
	if len(ends) < 2 {
		return false, false
	}
	x, ok := v.toGoNumber()
	if !ok {
		return false, false
	}
	low, ok := valueOf(ends[0]).toGoNumber()
	if !ok || !(x >= low) {
		return false, ok
	}
	high, ok := valueOf(ends[1]).toGoNumber()
	return ok && high >= x, ok
}

// identical compares without converting. It is not ok for two arrays and for two
// objects, which have no such comparison.
func identical(a, b value) (found, ok bool) {
	if a.kind != b.kind {
		return false, true
	}
	switch a.kind {
	case null:
		return true, true
	case boolean, number:
		return a.num == b.num, true
	case integer:
		return true, true
	case text:
		return a.text() == b.text(), true
	default:
		return false, false
	}
}

// contained counts, for contains_all, contains_any and contains_none, until one
// of the second array is, or is not, in the first: it returns whether it came to
// the end without having met one for which being in it is want.
func (m *machine) contained(v []value, want bool) (reachedEnd bool) {
	within := v[0].list()
	for _, element := range v[1].list() {
		found := m.containsElement(within, valueOf(element))
		if m.err != nil || found == want {
			return false
		}
	}
	return true
}

func (m *machine) containsElement(list []any, sought value) bool {
	m.charge(len(list))
	for _, element := range list {
		if m.err != nil {
			return false
		}
		e := valueOf(element)
		found, ok := identical(e, sought)
		if !ok {
			m.fail(errOperand)
			return false
		}
		if found || isNumber(e) && isNumber(sought) && e.num == sought.num {
			return true
		}
	}
	return false
}

func isNumber(v value) bool { return v.kind == number || v.kind == integer }

// containsOp evaluates the operators contains_….
func (m *machine) containsOp(op operator, v []value, isList bool) value {
	if !isList || len(v) != 2 || v[0].kind != array || v[1].kind != array {
		return truth(op == opContainsNone)
	}
	switch op {
	case opContainsAll:
		return truth(m.contained(v, false))
	case opContainsAny:
		return truth(!m.contained(v, true) && m.err == nil)
	default:
		return truth(m.contained(v, true))
	}
}

// contains says whether part is in v: a part of a text, or an element.
func (m *machine) contains(v *value, part string) bool {
	switch v.kind {
	case text:
		return strings.Contains(v.text(), part)
	case array:
		return m.inList(textual(part), v.list()).truthy()
	default:
		return false
	}
}
