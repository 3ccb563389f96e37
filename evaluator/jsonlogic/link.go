package jsonlogic

import (
	"math"
	"slices"
)

// A linker turns a tree into a graph of tests. It works backwards: where a test
// leads exists before the test.
type linker struct {
	p      *Program
	slots  slots
	number func(any) int
	memos  []uint16 // the slots that are remembered as versions
}

// maxMemos is how many variables are remembered as versions. Few rules know
// more than one.
const maxMemos = 2

func link(tree *node, s slots, number func(any) int) *Program {
	l := linker{p: new(Program), slots: s, number: number}
	l.p.timed = tree.readsTime()
	l.p.reads.collect(tree)
	l.p.entry = l.result(tree)
	l.p.variables = append(make([]variable, 0, len(l.slots)), l.slots...)
	l.p.optimise()
	return l.p
}

func (l *linker) constant(v value) target {
	if v.kind == integer || v.kind == number && (math.IsNaN(v.num) || math.IsInf(v.num, 0)) {
		n := constant(v)
		return l.tree(&n)
	}
	return toConstant(l.number(v.any()))
}

func (l *linker) tree(n *node) target {
	l.p.trees = append(l.p.trees, *n)
	return toTree(len(l.p.trees) - 1)
}

func (l *linker) test(t test) target {
	if t.yes == t.no && t.kind != testTree && t.kind != testAmong && t.kind != testContains {
		return t.no // whatever the answer is, and there is one
	}
	if l.p.tests == nil {
		l.p.tests = make([]test, 0, 8)
	}
	l.p.tests = append(l.p.tests, t)
	return toTest(len(l.p.tests) - 1)
}

// result links n where its value is the result.
func (l *linker) result(n *node) target {
	switch {
	case n.op == opConstant:
		return l.constant(n.val)
	case n.op == opIf:
		return l.branches(n.args, l.result, l.constant(nothing))
	case (n.op == opAnd || n.op == opOr) && len(n.args) > 0 && allBoolean(n.args[:len(n.args)-1]):
		at := l.result(&n.args[len(n.args)-1])
		for i := len(n.args) - 2; i >= 0; i-- {
			if n.op == opAnd {
				at = l.condition(&n.args[i], at, l.constant(no))
			} else {
				at = l.condition(&n.args[i], l.constant(yes), at)
			}
		}
		return at
	case n.op.isBoolean():
		return l.condition(n, l.constant(yes), l.constant(no))
	case n.op == opFractional:
		if at, ok := l.split(n, l.constant, l.constant(nothing), l.tree); ok {
			return at
		}
	}
	return l.tree(n)
}

func allBoolean(nodes []node) bool {
	return !slices.ContainsFunc(nodes, func(n node) bool { return !n.op.isBoolean() })
}

// branches links the clauses of an if, whose values go where leaf says, and
// which leads to otherwise without a value.
func (l *linker) branches(clauses []node, leaf func(*node) target, otherwise target) target {
	at := otherwise
	if len(clauses)%2 == 1 {
		at = leaf(&clauses[len(clauses)-1])
	}
	for i := len(clauses)&^1 - 2; i >= 0; i -= 2 {
		at = l.condition(&clauses[i], leaf(&clauses[i+1]), at)
	}
	return at
}

// condition links n where only its truth matters.
func (l *linker) condition(n *node, yes, no target) target {
	switch n.op {
	case opConstant:
		if n.val.truthy() {
			return yes
		}
		return no
	case opSlot:
		return l.test(test{kind: testTrue, slot: n.slot, yes: yes, no: no})
	case opAnd:
		return l.all(n.args, yes, no)
	case opOr:
		return l.any(n.args, yes, no)
	case opIf:
		return l.branches(n.args, func(n *node) target { return l.condition(n, yes, no) }, no)
	case opNot:
		return l.truth(n, no, yes)
	case opTruth:
		return l.truth(n, yes, no)
	case opFractional:
		at, ok := l.split(n, func(v value) target {
			if v.truthy() {
				return yes
			}
			return no
		}, no, func(n *node) target { return l.ask(n, yes, no) })
		if ok {
			return at
		}
	}
	t, ok := l.question(n)
	if !ok {
		return l.ask(n, yes, no)
	}
	t.yes, t.no = yes, no
	if n.op == opUnequal || n.op == opDifferent {
		t.yes, t.no = no, yes
	}
	return l.test(t)
}

// ask links a condition that there is no test for.
func (l *linker) ask(n *node, yes, no target) target {
	tree := *n
	return l.test(test{kind: testTree, slot: noSlot, data: &tree, yes: yes, no: no})
}

func (l *linker) all(conditions []node, yes, no target) target {
	if len(conditions) == 0 {
		return no
	}
	for i := range slices.Backward(conditions) {
		yes = l.condition(&conditions[i], yes, no)
	}
	return yes
}

func (l *linker) any(conditions []node, yes, no target) target {
	for i := range slices.Backward(conditions) {
		no = l.condition(&conditions[i], yes, no)
	}
	return no
}

// truth links ! and !!, which look at the first of several operands.
func (l *linker) truth(n *node, yes, no target) target {
	switch args := n.args; {
	case len(args) == 0:
		return no
	case len(args) == 1 && (n.list || args[0].op.isBoolean()):
		return l.condition(&args[0], yes, no)
	case !n.list && args[0].op == opSlot:
		return l.test(test{kind: testFirst, slot: args[0].slot, yes: yes, no: no})
	}
	truth := *n
	truth.op = opTruth
	return l.ask(&truth, yes, no)
}

// split links a fractional whose variants and weights are constants. Variants
// lead where leaf says, and the fractional as a whole where whole says.
func (l *linker) split(n *node, leaf func(value) target, none target, whole func(*node) target) (target, bool) {
	if !n.list || len(n.args) == 0 {
		return 0, false
	}
	var s split
	shares, variable := n.args[1:], node{path: subjectPath, val: nothing}
	switch first := &n.args[0]; {
	case first.op == opConstant && first.val.kind == array:
		shares = n.args
	case first.op == opConstant && first.val.kind == null:
	case first.op == opConstant && first.val.kind == text:
		s.pieces = n.args[:1]
	case first.op == opSlot:
		variable, s.named = *first, true
	case first.op == opCat && first.list && len(first.args) > 0 && !slices.ContainsFunc(first.args, func(n node) bool {
		return n.op != opConstant && n.op != opSlot
	}):
		s.pieces = first.args
	default:
		return 0, false
	}
	for i := range shares {
		if shares[i].op != opConstant || !addShare(&s.weights, shares[i].val) {
			return 0, false
		}
		s.targets = append(s.targets, leaf(valueOf(shares[i].val.list()[0])))
	}
	slot := uint16(noSlot)
	if len(s.pieces) == 0 {
		v := l.slots.add(variable)
		if v.op != opSlot {
			return 0, false
		}
		slot = v.slot
	}
	s.unusual = none
	if s.named {
		s.unusual = whole(n)
	}
	l.p.tests = append(l.p.tests, test{kind: testSplit, slot: slot, data: &s, no: none, yes: none})
	return toTest(len(l.p.tests) - 1), true
}

// isFlagKey says whether n reads the flag's key.
func (n *node) isFlagKey() bool {
	return n.op == opSlot && len(n.path) == 2 && n.path[0] == flagdProperties && n.path[1] == "flagKey"
}

// readsTime says whether evaluating n may ask for the time: anything but the
// flag's key of $flagd, or a variable that is only known when it is read.
func (n node) readsTime() bool {
	switch {
	case n.op == opVar, n.op == opMissing, n.op == opMissingSome, n.loop != nil:
		return true
	case n.op == opPath, n.op == opSlot:
		return n.path[0] == flagdProperties && !(len(n.path) > 1 && n.path[1] == "flagKey")
	}
	return slices.ContainsFunc(n.args, node.readsTime)
}
