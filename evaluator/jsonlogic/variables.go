package jsonlogic

import "maps"

// evalVar evaluates var with the operands v: what {"var": …} was given, after
// evaluation.
func (m *machine) evalVar(v []value, isList bool, data value) value {
	if isList {
		return m.varOf(v, data)
	}
	return m.read(v[0], data)
}

// read looks up the variable that name, which is any value, stands for.
func (m *machine) read(name, data value) value {
	switch name.kind {
	case null:
		if data.kind == boolean || data.kind == text || isNumber(data) {
			return data
		}
		return nothing
	case text:
		if name.text() == "" {
			return m.whole(data)
		}
		return m.lookup(splitPath(name.text()), nothing, data)
	case number, integer:
		s, _ := name.toText()
		return m.lookup(splitPath(s), nothing, data)
	case array:
		return m.varOf(m.unpack(name.list()), data)
	default:
		if data.kind == null {
			return nothing
		}
		return m.fail(errOperand)
	}
}

// varOf looks up a variable with, perhaps, a value to give in its place.
func (m *machine) varOf(v []value, data value) value {
	if len(v) == 0 {
		return m.whole(data)
	}
	fallback := nothing
	if len(v) == 2 {
		fallback = v[1]
	}
	if v[0].kind != text {
		return m.fail(errOperand)
	}
	return m.lookup(splitPath(v[0].text()), fallback, data)
}

// lookup follows path into data.
func (m *machine) lookup(path []string, fallback, data value) value {
	if data.kind == null {
		return fallback
	}
	if data.kind == wholeContext {
		if len(path) == 0 {
			return m.whole(data)
		}
		return m.lookupContext(path, fallback)
	}
	for _, step := range path {
		switch data.kind {
		case object:
			data = valueOf(data.object()[step])
		case array:
			list, i := data.list(), toInt(textToGoNumber(step))
			if i < 0 || i >= len(list) {
				return fallback
			}
			data = valueOf(list[i])
		default:
			return fallback
		}
		if data.kind == null {
			return fallback
		}
	}
	return data
}

// whole returns data as a value that can leave.
func (m *machine) whole(data value) value {
	if data.kind != wholeContext {
		return data
	}
	return m.wholeOfContext()
}

// missing lists those of the variables v that are not there.
func (m *machine) missing(v []value, isList bool, data value) value {
	if !isList && v[0].kind != text {
		return m.fail(errOperand)
	}
	absent, _ := m.sift(v, data)
	return listed(absent)
}

// missingSome is missing if fewer than so many are there, and otherwise empty.
func (m *machine) missingSome(v []value, data value) value {
	if len(v) < 2 || v[1].kind != array {
		return m.fail(errOperand)
	}
	want, ok := v[0].toGoNumber()
	if !ok {
		return m.fail(errOperand)
	}
	absent, found := m.sift(m.unpack(v[1].list()), data)
	if toInt(want) > found {
		return listed(absent)
	}
	return listed([]any{})
}

func (m *machine) sift(names []value, data value) (absent []any, found int) {
	absent = []any{}
	for _, name := range names {
		m.charge(1)
		v := m.read(name, data)
		if m.err != nil {
			return absent, found
		}
		if v.kind == null {
			absent = append(absent, name.any())
		} else {
			found++
		}
	}
	return absent, found
}

// set returns a copy of an object with one member changed.
func (m *machine) set(v []value) value {
	switch {
	case len(v) == 0:
		return nothing
	case len(v) < 3, v[0].kind != object:
		return v[0]
	case v[1].kind != text:
		return m.fail(errOperand)
	}
	m.charge(len(v[0].object()))
	changed := maps.Clone(v[0].object())
	if changed == nil {
		changed = make(map[string]any, 1)
	}
	changed[v[1].text()] = v[2].any()
	return value{kind: object, ref: changed}
}

// merge joins arrays, and what is none, to one array.
func (m *machine) merge(v []value, isList bool) value {
	if !isList && (v[0].kind == null || v[0].kind == object) {
		return m.fail(errOperand)
	}
	all := make([]any, 0, len(v))
	for i := range v {
		if v[i].kind == array {
			m.charge(len(v[i].list()))
			all = append(all, v[i].list()...)
		} else {
			all = append(all, v[i].any())
		}
	}
	return listed(all)
}
