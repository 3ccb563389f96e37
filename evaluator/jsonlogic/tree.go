package jsonlogic

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flagline/flagline/internal/jsontree"
)

// Bounds of a rule.
const (
	MaxDepth = 1_000   // of nesting, of rules and of what they read from the context
	MaxNodes = 1 << 20 // values in a rule
)

// A node is one part of a rule, ready to be evaluated.
type node struct {
	op   operator
	list bool   // the arguments are written as an array
	slot uint16 // of opSlot
	args []node
	val  value // of opConstant; of opPath, what to give for a variable that is not there

	path []string // of opPath
	loop *loop    // of those that isLoop
}

// A loop is an operator that runs a rule over the elements of an array.
type loop struct {
	args    []any // as written
	subject node  // where the elements come from
	body    node  // what is run over them, before variables are replaced
	settled bool  // there are none to replace; see loops.go
}

// A parser turns decoded JSON into nodes.
type parser struct {
	slots *slots // nil where variables are not those of the context
	fold  bool   // evaluate what does not depend on the context right away
	nodes int

	// Whether there was a variable that means something outside of the loop
	// that the rule is the body of.
	replaceable bool
}

var (
	errDeep  = fmt.Errorf("is nested more than %d deep", MaxDepth)
	errLarge = fmt.Errorf("has more than %d values", MaxNodes)
)

// An UnknownOperatorError says that a rule calls what is no operator.
type UnknownOperatorError struct{ Operator string }

func (e *UnknownOperatorError) Error() string { return fmt.Sprintf("unknown operator %q", e.Operator) }

func constant(v value) node { return node{op: opConstant, val: v} }

// parse turns rule into a node. Within it, a loop's body is parsed where the
// loop is evaluated if it must be changed before.
func (p *parser) parse(rule any, depth int) (node, error) {
	p.nodes++
	switch {
	case depth > MaxDepth:
		return node{}, errDeep
	case p.nodes > MaxNodes:
		return node{}, errLarge
	}
	switch rule := rule.(type) {
	case []any:
		return p.parseList(rule, false, depth)
	case *jsontree.Array:
		return p.parseList(rule.Elements, true, depth)
	case *jsontree.Object:
		if len(rule.Members) != 1 {
			if err := p.weigh(rule, depth); err != nil {
				return node{}, err
			}
			return constant(valueOf(rule.Expand())), nil
		}
		return p.parseCall(rule.Members[0].Name, rule.Members[0].Value, depth)
	case quoted:
		return constant(valueOf(rule.v)), nil
	case map[string]any:
		if len(rule) != 1 {
			p.replaceable = p.replaceable || replaceable(rule)
			return constant(valueOf(unquote(rule))), p.weigh(rule, depth)
		}
		for name, args := range rule {
			return p.parseCall(name, args, depth)
		}
	case nil, bool, float64, string:
		return constant(valueOf(rule)), nil
	}
	pure, err := scalar(rule)
	if err != nil {
		return node{}, fmt.Errorf("a %T in a rule cannot be written as JSON: %w", rule, err)
	}
	return p.parse(pure, depth)
}

// parseList parses an array. If it is compact its elements are not there for
// long.
func (p *parser) parseList(list []any, compact bool, depth int) (node, error) {
	if !slices.ContainsFunc(list, mayBeRule) {
		if err := p.pass(len(list), depth+1); err != nil {
			return node{}, err
		}
		if compact {
			list = jsontree.ExpandAll(list)
		}
		return constant(listed(list)), nil
	}
	n := node{op: opList}
	var err error
	if n.args, err = p.parseAll(list, depth+1); err != nil {
		return node{}, err
	}
	if slices.ContainsFunc(n.args, func(a node) bool { return a.op != opConstant }) {
		return n, nil
	}
	values := make([]any, len(n.args))
	for i := range n.args {
		values[i] = n.args[i].val.any()
	}
	return constant(listed(values)), nil
}

// pass counts n values that need not be looked at.
func (p *parser) pass(n, depth int) error {
	switch {
	case n > 0 && depth > MaxDepth:
		p.nodes++
		return errDeep
	case n > MaxNodes-p.nodes:
		p.nodes = MaxNodes + 1
		return errLarge
	}
	p.nodes += n
	return nil
}

// weigh counts the values inside of data, which no operator looks at while it is
// compiled.
func (p *parser) weigh(data any, depth int) error {
	var inside []any
	switch data := data.(type) {
	case []any:
		inside = data
	case *jsontree.Array:
		inside = data.Elements
	case map[string]any:
		inside = slices.Collect(maps.Values(data))
	case *jsontree.Object:
		for i := range data.Members {
			inside = append(inside, data.Members[i].Value)
		}
	case nil, bool, float64, string, quoted:
		return nil
	default:
		return fmt.Errorf("a %T in the data of a rule is not what encoding/json decodes", data)
	}
	if err := p.pass(len(inside), depth+1); err != nil {
		return err
	}
	for _, v := range inside {
		if err := p.weigh(v, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// mayBeRule says whether v can be anything but itself.
func mayBeRule(v any) bool {
	switch v.(type) {
	case nil, bool, float64, string:
		return false
	default:
		return true
	}
}

func (p *parser) parseAll(rules []any, depth int) ([]node, error) {
	nodes := make([]node, len(rules))
	for i, rule := range rules {
		var err error
		if nodes[i], err = p.parse(rule, depth); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (p *parser) parseCall(name string, args any, depth int) (node, error) {
	op, ok := operators[name]
	if !ok {
		return node{}, &UnknownOperatorError{Operator: name}
	}
	written, isList := writtenList(args)
	n := node{op: op, list: isList}
	if op.isLoop() {
		if _, compact := args.(*jsontree.Array); compact {
			written = jsontree.ExpandAll(written) // which change while they are run
		}
		return p.parseLoop(n, written, depth)
	}
	p.replaceable = p.replaceable || op == opVar && !isHidden(args)
	if op.isLazy() && !isList {
		p.replaceable = p.replaceable || replaceable(args)
		return node{op: opInvalid}, nil // and what is in there is never looked at
	}
	if name, ok := args.(string); ok && op == opVar {
		if path := splitPath(name); len(path) > 0 {
			return p.variable(path, nothing), p.pass(1, depth+1)
		}
	}
	if !isList {
		written = []any{args}
	}
	var err error
	if n.args, err = p.parseAll(written, depth+1); err != nil {
		return node{}, err
	}
	if op == opVar {
		return p.parseVar(n), nil
	}
	return p.folded(n), nil
}

// writtenList returns the elements of what is written as an array.
func writtenList(args any) (list []any, ok bool) {
	switch args := args.(type) {
	case []any:
		return args, true
	case *jsontree.Array:
		return args.Elements, true
	case quoted:
		if list, ok := args.v.([]any); ok {
			return quoteAll(list), true
		}
	}
	return nil, false
}

// folded is n, or its value if that is known.
func (p *parser) folded(n node) node {
	if !p.fold || !n.op.isPure() || slices.ContainsFunc(n.args, func(a node) bool { return a.op != opConstant }) {
		return n
	}
	var m machine
	v := m.eval(&n, nothing)
	if m.err != nil || v.kind == integer {
		return n
	}
	return constant(v)
}

// parseVar recognises variables whose name is written out.
func (p *parser) parseVar(n node) node {
	path, fallback, ok := writtenPath(n)
	if !ok {
		return n
	}
	return p.variable(path, fallback)
}

func (p *parser) variable(path []string, fallback value) node {
	v := node{op: opPath, path: path, val: fallback}
	if p.slots != nil {
		return p.slots.add(v)
	}
	return v
}

// writtenPath returns the path of a variable, and what it gives in place of a
// missing one. It is not ok if the path is not written out, or leads to the
// whole of the data.
func writtenPath(n node) (path []string, fallback value, ok bool) {
	fallback = nothing
	if len(n.args) == 0 || slices.ContainsFunc(n.args, func(a node) bool { return a.op != opConstant }) {
		return nil, nothing, false
	}
	name := n.args[0].val
	if !n.list && name.kind == array {
		return nil, nothing, false // quoted, which is rare
	}
	if n.list && len(n.args) == 2 {
		fallback = n.args[1].val
	}
	switch {
	case name.kind == number && !n.list:
		s, _ := name.toText()
		path = splitPath(s)
	case name.kind == text:
		path = splitPath(name.text())
	}
	return path, fallback, len(path) > 0
}

// splitPath splits a variable's name at its dots. Empty steps do not count.
func splitPath(name string) []string {
	if name != "" && !strings.Contains(name, ".") {
		return []string{name}
	}
	return slices.DeleteFunc(strings.Split(name, "."), func(step string) bool { return step == "" })
}

var errOperand = errors.New("an operator was given what it does not take")
