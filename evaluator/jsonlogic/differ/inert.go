package differ

import "slices"

// flagd's engine takes an object with exactly one member for a call, also one
// that a rule did not write down but found: in the context, in a list that is
// written out as data, in what "set" made. It takes an object with two members
// for data. So each such object gets a second member here, and flagd's own
// engine says what the answer is if data is never executed.
//
// Nothing else in the engine depends on how many members an object has, except
// whether it has any, and none is added to an object without one.
//
// Whether it would have executed data can be seen too: if such objects are
// given a name that is no operator, it fails where it does. As it is, it must
// not be asked: {"if": [true, {"var": "x"}]} as x makes the same rule run until
// the stack is full, which ends the process.

// A treatment is what is done to data.
type treatment int

const (
	padded   treatment = iota // made inert
	poisoned                  // made to fail if it is executed
)

// The names that treated objects have. No rule reads them.
const (
	padding = "\x00padding"
	poison  = "\x00"
)

// isOperator says whether flagd's engine would execute an object with this
// one member, or look at it in a loop.
func isOperator(name string) bool { return dangerous[name] }

// data returns data treated. Its members "var" are renamed: the loops look for
// those in objects with several members too. Only in the body of a loop that
// solves its variables do they look for them rightly, and what such a member
// holds is no data.
func (t treatment) data(v any, solved bool) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = t.data(element, solved)
		}
		return list
	case map[string]any:
		o := make(map[string]any, len(v)+1)
		for name, member := range v {
			if !solved && name == "var" || t == poisoned && len(v) == 1 && isOperator(name) {
				name = poison + name
			}
			if o[name] = member; !solved || name != "var" {
				o[name] = t.data(member, solved)
			}
		}
		if t == padded && len(o) == 1 {
			o[padding] = nil
		}
		return o
	}
	return v
}

// revert takes back what was done to data.
func revert(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = revert(element)
		}
		return list
	case map[string]any:
		o := make(map[string]any, len(v))
		for name, member := range v {
			if len(name) > 1 && name[0] == poison[0] {
				name = name[1:]
			}
			o[name] = revert(member)
		}
		delete(o, padding[1:])
		return o
	}
	return v
}

// isInert says whether there is nothing in data to be treated.
func isInert(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(element any) bool { return !isInert(element) })
	case map[string]any:
		if len(v) == 1 {
			return false
		}
		for name, member := range v {
			if name == "var" || !isInert(member) {
				return false
			}
		}
	}
	return true
}

// isTame says whether nothing in data could be executed but for a failure.
func isTame(v any) bool {
	switch v := v.(type) {
	case []any:
		return !slices.ContainsFunc(v, func(element any) bool { return !isTame(element) })
	case map[string]any:
		for name, member := range v {
			if name == "var" || len(v) == 1 && isOperator(name) || !isTame(member) {
				return false
			}
		}
	}
	return true
}

// Operators that do not have all their arguments evaluated for them.
var (
	loops = map[string]bool{"map": true, "filter": true, "all": true, "none": true, "some": true, "reduce": true}
	lazy  = map[string]bool{"and": true, "or": true, "if": true, "?:": true}

	// solving are the loops that put the values of variables in the place of
	// the variables of their body before they evaluate it.
	solving = map[string]bool{"filter": true, "all": true, "none": true, "some": true}
)

// asCall returns the operator and the arguments of a rule that is a call.
func asCall(v any) (operator string, args any, ok bool) {
	o, isObject := v.(map[string]any)
	if !isObject || len(o) != 1 {
		return "", nil, false
	}
	for operator, args = range o {
	}
	return operator, args, true
}

// rule returns the rule with the data in it treated. It is solved if a loop
// around it puts the values of variables in the place of the variables first.
func (t treatment) rule(v any, solved bool) any {
	if list, ok := v.([]any); ok {
		return t.list(list, solved)
	}
	operator, args, ok := asCall(v)
	if !ok {
		return t.data(v, solved)
	}
	list, isList := args.([]any)
	switch {
	case loops[operator] && isList:
		args = t.loop(operator, list, solved)
	case loops[operator], lazy[operator] && !isList:
		return v
	default:
		args = t.rule(args, solved)
	}
	made := map[string]any{operator: args}
	if t == padded && operator == "set" && len(list) >= 3 {
		return map[string]any{operator: []any{made, padding, nil}}
	}
	return made
}

func (t treatment) list(list []any, solved bool) any {
	treated := make([]any, len(list))
	for i, element := range list {
		treated[i] = t.rule(element, solved)
	}
	return treated
}

// loop treats the list of a loop, if it is written out, and the data in the
// other arguments.
func (t treatment) loop(operator string, args []any, solved bool) any {
	treated := make([]any, len(args))
	for i, arg := range args {
		_, isList := arg.([]any)
		switch {
		case i == 0 && isList:
			arg = t.data(arg, solved)
		case i == 1:
			arg = t.rule(arg, solved || solving[operator])
		case i == 0, i == 2 && operator == "reduce" && !isList:
			arg = t.rule(arg, solved)
		}
		treated[i] = arg
	}
	return treated
}

// holdsData says whether treating a rule would change anything in it that
// matters: it has data in it, or makes some.
func holdsData(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, holdsData)
	case map[string]any:
		if len(v) > 1 {
			return true
		}
		for operator, args := range v {
			if operator == "set" || loops[operator] && holdsList(args) || holdsData(args) {
				return true
			}
		}
	}
	return false
}

// holdsList says whether one of a loop's arguments is a list with objects.
func holdsList(args any) bool {
	list, _ := args.([]any)
	for _, arg := range list {
		if _, isList := arg.([]any); isList && !isFlat(arg) {
			return true
		}
	}
	return false
}
