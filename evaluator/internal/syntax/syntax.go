// Package syntax knows how targeting rules are written: which parts of a rule
// are calls of an operator and which are data, and how to name a place in a document.
//
// It is shared by those who compile rules and those who criticise them, so
// that they cannot disagree about what a rule says.
package syntax

import (
	"iter"
	"maps"
	"slices"
)

// Ref is what stands in the place of an operator where a rule borrows one of
// the set's evaluators: {"$ref": "name"}.
const Ref = "$ref"

// lazy are the operators that look at their arguments themselves, and only if
// these are written as an array.
var lazy = setOf("and", "or", "if", "?:")

// loops are the operators that run a rule over the elements of a list. A list
// that is written out is data: its elements are not evaluated.
var loops = setOf("map", "filter", "all", "none", "some", "reduce")

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// A Call is one operator with its arguments.
type Call struct {
	Pointer  string // leads to the arguments, so it ends in the operator
	Operator string // may be unknown, may be [Ref]
	Args     any
}

// Calls yields every call in rule, the outer before the inner. The pointer at
// leads to rule.
//
// It visits what evaluation may visit: an object with one member is a call,
// one with none or with several is data, and so is whatever an operator never
// looks at.
func Calls(at string, rule any) iter.Seq[Call] {
	return func(yield func(Call) bool) { walk(at, rule, yield) }
}

func walk(at string, rule any, yield func(Call) bool) bool {
	if list, ok := rule.([]any); ok {
		return walkList(at, list, yield)
	}
	operator, args, ok := AsCall(rule)
	if !ok {
		return true
	}
	call := Call{Pointer: Pointer(at, operator), Operator: operator, Args: args}
	if !yield(call) {
		return false
	}
	list, isList := args.([]any)
	switch {
	case loops[operator]:
		return walkLoop(call, list, yield)
	case operator == Ref, lazy[operator] && !isList:
		return true
	}
	return walk(call.Pointer, args, yield)
}

func walkList(at string, list []any, yield func(Call) bool) bool {
	for i, element := range list {
		if !walk(Index(at, i), element, yield) {
			return false
		}
	}
	return true
}

// walkLoop visits the list of a loop, its body and, for reduce, its start.
func walkLoop(call Call, args []any, yield func(Call) bool) bool {
	looksAt := 2
	if call.Operator == "reduce" {
		looksAt = 3
	}
	for i, arg := range args[:min(looksAt, len(args))] {
		if _, written := arg.([]any); written && i != 1 {
			continue
		}
		if !walk(Index(call.Pointer, i), arg, yield) {
			return false
		}
	}
	return true
}

// AsCall returns the operator and the arguments of v, if v is an object with
// exactly one member.
func AsCall(v any) (operator string, args any, ok bool) {
	object, isObject := v.(map[string]any)
	if !isObject || len(object) != 1 {
		return "", nil, false
	}
	for operator, args = range object {
	}
	return operator, args, true
}

// AsRef returns the name of the evaluator that v stands for, if v is
// {"$ref": "name"}.
func AsRef(v any) (name string, ok bool) {
	operator, args, isCall := AsCall(v)
	if !isCall || operator != Ref {
		return "", false
	}
	name, ok = args.(string)
	return name, ok
}

// Refs returns the names of all evaluators that v mentions, in data too, in
// byte order and each once.
func Refs(v any) []string {
	names := make(map[string]bool)
	collectRefs(v, names)
	return slices.Sorted(maps.Keys(names))
}

func collectRefs(v any, names map[string]bool) {
	if name, ok := AsRef(v); ok {
		names[name] = true
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			collectRefs(member, names)
		}
	case []any:
		for _, element := range v {
			collectRefs(element, names)
		}
	}
}

// Cycle returns the first chain of evaluators that starts at start, follows
// refs and comes back to one that it passed before: the last name of the
// chain is also an earlier one. It returns nil if there is none.
func Cycle(start string, refs func(name string) []string) []string {
	var path []string
	onPath, done := make(map[string]bool), make(map[string]bool)
	var visit func(name string) bool
	visit = func(name string) bool {
		path = append(path, name)
		if onPath[name] {
			return true
		}
		onPath[name] = true
		if !done[name] && slices.ContainsFunc(refs(name), visit) {
			return true
		}
		onPath[name], done[name] = false, true
		path = path[:len(path)-1]
		return false
	}
	if !visit(start) {
		return nil
	}
	return path
}
