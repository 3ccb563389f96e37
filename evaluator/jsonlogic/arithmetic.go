package jsonlogic

import "math"

// arithmetic evaluates the operators on numbers.
func (m *machine) arithmetic(op operator, v []value) value {
	if len(v) == 0 {
		return m.ofNothing(op)
	}
	switch op {
	case opModulo:
		if len(v) < 2 {
			return m.fail(errOperand)
		}
		v = v[:2]
	case opAbsolute:
		v = v[:1]
	}
	total, ok := v[0].toGoNumber()
	if !ok {
		return m.fail(errOperand)
	}
	switch {
	case op == opAbsolute:
		return numeric(math.Abs(total))
	case op == opSubtract && len(v) == 1:
		return numeric(-1 * total)
	case op == opAdd && len(v) > 1:
		total += 0 // which makes 0 of -0
	case op == opMultiply:
		total *= 1
	}
	for _, operand := range v[1:] {
		f, ok := operand.toGoNumber()
		if !ok {
			return m.fail(errOperand)
		}
		total = combine(op, total, f)
	}
	return numeric(total)
}

func combine(op operator, a, b float64) float64 {
	switch op {
	case opAdd:
		return a + b
	case opSubtract:
		return a - b
	case opMultiply:
		return a * b
	case opDivide:
		return a / b
	case opModulo:
		return math.Mod(a, b)
	case opMaximum:
		if b > a {
			return b
		}
	case opMinimum:
		if a > b {
			return b
		}
	}
	return a
}

// ofNothing is what the operators make of no operands.
func (m *machine) ofNothing(op operator) value {
	switch op {
	case opAdd:
		return numeric(0)
	case opMultiply:
		return numeric(1)
	case opSubtract, opDivide:
		return value{kind: integer}
	case opMaximum, opMinimum:
		return nothing
	default:
		return m.fail(errOperand)
	}
}
