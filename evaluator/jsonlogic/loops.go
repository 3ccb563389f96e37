package jsonlogic

import (
	"slices"
	"strings"
)

// How a loop's body sees variables is flagd's most surprising quirk. map and
// reduce evaluate the body with each element as the data. filter, none and some
// first replace variables by what they mean outside of the loop, so that an
// element's "id" is hidden by an "id" of the context; ".id" is not. all and some
// do so with the element, which only matters to a body that is nothing but a
// variable: once replaced it is no rule any more, and fails.

// parseLoop prepares a loop with the arguments args, as written.
func (p *parser) parseLoop(n node, args []any, depth int) (node, error) {
	needs := 1
	switch n.op {
	case opMap, opFilter:
		needs = 2
	case opReduce:
		needs = 3
	}
	if len(args) < needs {
		// Nothing of it is evaluated, but replacing its variables may fail.
		p.replaceable = p.replaceable || slices.ContainsFunc(args, replaceable)
	}
	switch {
	case !n.list, len(args) == 0 && needs == 1:
		p.replaceable = true // perhaps
		return node{op: opInvalid}, nil
	case len(args) < needs && n.op == opReduce:
		return constant(numeric(0)), p.weigh(args, depth)
	case len(args) < needs:
		return constant(listed([]any{})), p.weigh(args, depth)
	}
	if n.op == opReduce {
		if _, isList := args[2].([]any); isList {
			p.replaceable = true // perhaps
			return node{op: opInvalid}, p.weigh(args, depth)
		}
	}
	n.loop = &loop{args: args}
	var err error
	if n.loop.subject, err = p.parseSubject(args[0], depth+1); err != nil {
		return node{}, err
	}
	inside := parser{nodes: p.nodes}
	if len(args) > 1 {
		// Also where it is parsed again later: it has to be a rule at all.
		if n.loop.body, err = inside.parse(args[1], depth+1); err != nil {
			return node{}, err
		}
	}
	p.nodes = inside.nodes
	n.loop.settled = len(args) > 1 && !inside.replaceable
	p.replaceable = p.replaceable || inside.replaceable || slices.ContainsFunc(args[min(2, len(args)):], replaceable)
	if n.op == opReduce {
		n.args, err = p.parseAll(args[2:3], depth+1)
	}
	return n, err
}

// replaceable says whether a rule has variables that mean something outside of
// the loop that it is the body of.
func replaceable(rule any) bool {
	switch rule := rule.(type) {
	case []any:
		return slices.ContainsFunc(rule, replaceable)
	case map[string]any:
		for name, args := range rule {
			if name == "var" && !isHidden(args) || name != "var" && replaceable(args) {
				return true
			}
		}
	}
	return false
}

// parseSubject parses what a loop runs over. A written array is data.
func (p *parser) parseSubject(subject any, depth int) (node, error) {
	switch subject := subject.(type) {
	case []any:
		p.replaceable = p.replaceable || replaceable(subject)
		list, _ := unquote(subject).([]any)
		return constant(listed(list)), p.weigh(subject, depth)
	case map[string]any, quoted:
		return p.parse(subject, depth)
	default:
		return constant(nothing), nil
	}
}

// isRule says whether rule is one that a loop can run: an object.
func isRule(rule any) bool {
	switch rule := rule.(type) {
	case map[string]any:
		return true
	case quoted:
		_, ok := rule.v.(map[string]any)
		return ok
	default:
		return false
	}
}

func (m *machine) evalLoop(n *node, data value) value {
	if n.op == opReduce {
		return m.reduce(n, data)
	}
	subject := m.eval(&n.loop.subject, data)
	if m.err != nil {
		return nothing
	}
	if n.op == opMap || n.op == opFilter {
		if subject.kind == null {
			return listed([]any{})
		}
	} else if !subject.truthy() {
		return truth(n.op == opNone)
	}
	if subject.kind != array {
		return m.fail(errOperand)
	}
	elements := subject.list()
	switch n.op {
	case opMap:
		return m.mapped(n, elements)
	case opFilter:
		return m.filtered(n, elements, data)
	default:
		return m.quantified(n, elements, data)
	}
}

func (m *machine) mapped(n *node, elements []any) value {
	result := make([]any, 0, min(len(elements), MaxSteps))
	for _, element := range elements {
		m.charge(1)
		v := m.eval(&n.loop.body, valueOf(element))
		if m.err != nil {
			return nothing
		}
		result = append(result, v.any())
	}
	return listed(result)
}

func (m *machine) filtered(n *node, elements []any, data value) value {
	body := n.loop.body
	if !n.loop.settled {
		body = m.parse(m.replace(n.loop.args[1], data))
	}
	result := []any{}
	for _, element := range elements {
		m.charge(1)
		v := m.eval(&body, valueOf(element))
		if m.err != nil {
			return nothing
		}
		if v.truthy() {
			result = append(result, element)
		}
	}
	return listed(result)
}

// quantified evaluates all, none and some for at least one element.
func (m *machine) quantified(n *node, elements []any, data value) value {
	if len(n.loop.args) < 2 {
		return m.fail(errOperand)
	}
	rule, body := n.loop.args[1], n.loop.body
	if n.op != opAll && !n.loop.settled {
		rule = m.replace(rule, data)
		body = m.parse(rule)
	}
	for _, element := range elements {
		m.charge(1)
		e, each := valueOf(element), rule
		if n.op != opNone && !n.loop.settled {
			each = m.replace(rule, e)
			body = m.parse(each)
		}
		if m.err != nil || !isRule(each) {
			return m.fail(errOperand)
		}
		v := m.eval(&body, e)
		if m.err != nil {
			return nothing
		}
		if v.truthy() == (n.op != opAll) {
			return truth(n.op == opSome)
		}
	}
	return truth(n.op != opSome)
}

// reduce folds an array into a boolean, a number or a text: whichever it begins
// with.
func (m *machine) reduce(n *node, data value) value {
	accumulator := m.eval(&n.args[0], data)
	if m.err != nil {
		return nothing
	}
	var kindOf string
	switch accumulator.kind {
	case boolean:
		kindOf = "bool"
	case number, integer:
		kindOf, accumulator = "number", numeric(accumulator.num)
	case text:
		kindOf = "string"
	default:
		return m.fail(errOperand)
	}
	subject := m.eval(&n.loop.subject, data)
	switch {
	case m.err != nil:
		return nothing
	case subject.kind == null:
		return numeric(0)
	case subject.kind != array:
		return m.fail(errOperand)
	}
	for _, element := range subject.list() {
		m.charge(1)
		if element == nil {
			continue
		}
		if !isRule(n.loop.args[1]) {
			return m.fail(errOperand)
		}
		v := m.eval(&n.loop.body, value{kind: object, ref: map[string]any{
			"current": element, "accumulator": accumulator.any(), "valueType": kindOf,
		}})
		accumulator = m.convert(v, accumulator.kind)
		if m.err != nil {
			return nothing
		}
	}
	return accumulator
}

// convert makes v a boolean, a number or a text.
func (m *machine) convert(v value, to kind) value {
	switch to {
	case boolean:
		return truth(v.truthy())
	case number:
		if f, ok := v.toGoNumber(); ok {
			return numeric(f)
		}
	default:
		if s, ok := v.toText(); ok {
			return textual(s)
		}
	}
	return m.fail(errOperand)
}

// parse parses a rule that was changed while it is evaluated.
func (m *machine) parse(rule any) node {
	var p parser
	n, err := p.parse(rule, 0)
	m.charge(p.nodes)
	if err != nil {
		m.fail(err)
	}
	return n
}

// replace returns rule with those variables replaced that data has.
func (m *machine) replace(rule any, data value) any {
	m.charge(1)
	if m.err != nil {
		return rule
	}
	switch rule := rule.(type) {
	case []any:
		list := make([]any, len(rule))
		for i, element := range rule {
			list[i] = m.replace(element, data)
		}
		return list
	case map[string]any:
		return m.replaceIn(rule, data)
	default:
		return rule
	}
}

func (m *machine) replaceIn(rule map[string]any, data value) any {
	if name, ok := rule["var"]; ok && !isHidden(name) {
		variable := m.parse(map[string]any{"var": name})
		if v := m.eval(&variable, data); v.kind != null {
			return quote(v.any())
		}
	}
	changed := make(map[string]any, len(rule))
	for name, args := range rule {
		if name == "var" {
			changed[name] = args
		} else {
			changed[name] = m.replace(args, data)
		}
	}
	return changed
}

// isHidden says whether the variable name can only mean one inside the loop.
func isHidden(name any) bool {
	s, ok := name.(string)
	return ok && (s == "" || strings.HasPrefix(s, "."))
}
