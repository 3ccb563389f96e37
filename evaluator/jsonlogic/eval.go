package jsonlogic

import "fmt"

// Bounds of a run.
const (
	MaxSteps = 1_000_000 // operators, operands, elements of arrays, and 64 bytes of a text, each
	MaxText  = 1 << 20   // bytes of a text that cat makes
)

var (
	errSteps = fmt.Errorf("the rule takes more than %d steps", MaxSteps)
	errText  = fmt.Errorf("cat makes a text of more than %d bytes", MaxText)
)

// A machine runs one program once. Its first error stays, and makes every value
// after it worthless.
type machine struct {
	program *Program
	in      Input
	steps   int
	err     error
}

func (m *machine) fail(err error) value {
	if m.err == nil {
		m.err = err
	}
	return nothing
}

// bytesPerStep is how much of a text an operator can look at in one step.
const bytesPerStep = 64

// effort is how many steps it takes to look at an operand.
func (v value) effort() int {
	if v.kind == text {
		return 1 + len(v.text())/bytesPerStep
	}
	return 1
}

// charge counts steps.
func (m *machine) charge(n int) {
	if m.steps += n; m.steps > MaxSteps {
		m.fail(errSteps)
	}
}

// eval returns the value of n, whose variables are those of data.
func (m *machine) eval(n *node, data value) value {
	switch n.op {
	case opConstant:
		return n.val
	case opSlot:
		return m.lookupContext(n.path, n.val)
	}
	if m.charge(1); m.err != nil {
		return nothing
	}
	switch {
	case n.op.isLoop():
		return m.evalLoop(n, data)
	case n.op == opPath:
		return m.lookup(n.path, n.val, data)
	case n.op.isLazy():
		return m.evalLazy(n, data)
	case n.op == opInvalid:
		return m.fail(errOperand)
	}
	var few [4]value // most operators have no more operands
	operands := few[:0]
	if len(n.args) > len(few) {
		operands = make([]value, 0, len(n.args))
	}
	for i := range n.args {
		v := m.eval(&n.args[i], data)
		if m.charge(v.effort()); m.err != nil {
			return nothing
		}
		operands = append(operands, v)
	}
	// A single argument that is not written as an array, but turns out to be
	// one, is the array of operands.
	isList := n.list
	if !isList && n.op != opList && operands[0].kind == array {
		operands, isList = m.unpack(operands[0].list()), true
	}
	return m.apply(n.op, operands, isList, data)
}

// unpack wraps the elements of an array.
func (m *machine) unpack(list []any) []value {
	all := make([]value, len(list))
	for i, element := range list {
		all[i] = valueOf(element)
		m.charge(all[i].effort())
	}
	return all
}

func (m *machine) evalLazy(n *node, data value) value {
	if n.op == opIf {
		return m.evalIf(n.args, data)
	}
	last := nothing
	for i := range n.args {
		last = m.eval(&n.args[i], data)
		if m.err != nil || last.truthy() == (n.op == opOr) {
			return last
		}
	}
	return last
}

func (m *machine) evalIf(clauses []node, data value) value {
	for len(clauses) > 1 {
		condition := m.eval(&clauses[0], data)
		if m.err != nil {
			return nothing
		}
		if condition.truthy() {
			return m.eval(&clauses[1], data)
		}
		clauses = clauses[2:]
	}
	if len(clauses) == 1 {
		return m.eval(&clauses[0], data)
	}
	return nothing
}

// apply evaluates an operator that looks at nothing but its operands v. isList
// is false if there is one that stands alone, and is not an array.
func (m *machine) apply(op operator, v []value, isList bool, data value) value {
	switch op {
	case opList:
		return m.evalList(v)
	case opNot, opTruth:
		return truth(isTrue(v, isList) == (op == opTruth))
	case opSame, opDifferent:
		return truth((isList && len(v) > 1 && same(v[0], v[1])) == (op == opSame))
	case opVar:
		return m.evalVar(v, isList, data)
	case opFractional:
		return m.fractional(v, isList, data)
	case opSemVer:
		return evalSemVer(v, isList)
	case opStartsWith, opEndsWith:
		return evalAffix(op, v, isList)
	case opContainsAll, opContainsAny, opContainsNone:
		return m.containsOp(op, v, isList)
	case opMissing:
		return m.missing(v, isList, data)
	case opMerge:
		return m.merge(v, isList)
	case opAdd, opAbsolute:
		return m.arithmetic(op, v) // which take a single operand as it is
	case opCat:
		return m.cat(v, isList)
	}
	if !isList {
		return m.fail(errOperand)
	}
	switch op {
	case opEqual, opUnequal:
		return truth((len(v) > 1 && equal(v[0], v[1])) == (op == opEqual))
	case opLess, opLessOrEqual, opGreater, opGreaterOrEqual:
		return truth(compare(op, v))
	case opIn:
		return m.within(v)
	case opSubstr:
		return m.substr(v)
	case opSet:
		return m.set(v)
	case opMissingSome:
		return m.missingSome(v, data)
	default:
		return m.arithmetic(op, v)
	}
}

func (m *machine) evalList(v []value) value {
	list := make([]any, len(v))
	for i := range v {
		list[i] = v[i].any()
	}
	return listed(list)
}

// isTrue is what ! and !! look at: the first of several operands.
func isTrue(v []value, isList bool) bool {
	if isList && len(v) == 0 {
		return false
	}
	return v[0].truthy()
}
