package jsonlogic

import "strings"

// evalAffix evaluates starts_with and ends_with. What is not two texts gives
// null.
func evalAffix(op operator, v []value, isList bool) value {
	if !isList || len(v) != 2 || v[0].kind != text || v[1].kind != text {
		return nothing
	}
	if op == opStartsWith {
		return truth(strings.HasPrefix(v[0].text(), v[1].text()))
	}
	return truth(strings.HasSuffix(v[0].text(), v[1].text()))
}

// cat joins texts and numbers. Of more than one it takes off the white space
// around the result.
func (m *machine) cat(v []value, isList bool) value {
	if !isList {
		if v[0].kind != text {
			return m.fail(errOperand)
		}
		return v[0]
	}
	if len(v) == 1 && v[0].kind == text {
		return v[0]
	}
	var b strings.Builder
	for i := range v {
		s, ok := v[i].toText()
		if !ok {
			return m.fail(errOperand)
		}
		if b.Len()+len(s) > MaxText {
			return m.fail(errText)
		}
		b.WriteString(s)
	}
	if len(v) == 1 {
		return textual(b.String())
	}
	return textual(strings.TrimSpace(b.String()))
}

// substr cuts a part out of a text. It counts code points; a negative start or
// end counts from the end, and a start outside of the text gives all of it.
func (m *machine) substr(v []value) value {
	if len(v) < 2 {
		return m.fail(errOperand)
	}
	s, isText := v[0].toText()
	start, isNumber := v[1].toGoNumber()
	if !isText || !isNumber {
		return m.fail(errOperand)
	}
	runes := []rune(s)
	from := toInt(start)
	if from < 0 {
		from += len(runes)
	}
	if from < 0 || from > len(runes) {
		return textual(s)
	}
	length := len(runes)
	if len(v) == 3 {
		f, ok := v[2].toGoNumber()
		if !ok {
			return m.fail(errOperand)
		}
		length = toInt(f)
	}
	to := from + length // which overflows as flagd's does
	if length < 0 {
		to = len(runes) + length
	}
	to = min(to, len(runes))
	if to < from {
		return m.fail(errOperand)
	}
	return textual(string(runes[from:to]))
}
