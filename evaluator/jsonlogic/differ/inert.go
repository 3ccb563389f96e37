package differ

import "maps"

// flagd's engine takes an object with exactly one member for a call, also one
// that a rule did not write down but found: in the context, in a list that is
// written out as data, in what "set" made. It takes an object with two members
// for data. So each such object gets a second member here, and flagd's own
// engine says what the answer is if data is never executed.
//
// Nothing else in the engine depends on how many members an object has, except
// whether it has any, and none is added to an object without one.

// padding is the name of the added member. No rule reads it.
const padding = "\x00padding"

// renamed stands for a member "var" of the context: the loops look for those
// in objects with several members too.
const renamed = "\x00var"

// inertData returns data with its objects padded. Those of the context have
// their members renamed too; in those of the rule the loops do look for "var".
func inertData(v any, rename bool) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = inertData(element, rename)
		}
		return list
	case map[string]any:
		o := make(map[string]any, len(v)+1)
		for name, member := range v {
			if rename && name == "var" {
				name = renamed
			}
			o[name] = inertData(member, rename)
		}
		if len(o) == 1 {
			o[padding] = nil
		}
		return o
	}
	return v
}

// revert takes back what inertData did.
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
			if name == renamed {
				name = "var"
			}
			o[name] = revert(member)
		}
		delete(o, padding)
		return o
	}
	return v
}

// isInert says whether inertData would change nothing.
func isInert(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			if !isInert(element) {
				return false
			}
		}
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

// Operators that do not have all their arguments evaluated for them.
var (
	loops = map[string]bool{"map": true, "filter": true, "all": true, "none": true, "some": true, "reduce": true}
	lazy  = map[string]bool{"and": true, "or": true, "if": true, "?:": true}

	// solving loops put the values of variables in the place of the
	// variables of their body before they evaluate it.
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

// inertRule returns the rule with the data in it padded, and says whether
// that changed anything.
func inertRule(v any) (inert any, changed bool) {
	if list, ok := v.([]any); ok {
		return inertList(list)
	}
	operator, args, ok := asCall(v)
	if !ok {
		if isInert(v) {
			return v, false
		}
		return inertData(v, false), true
	}
	list, isList := args.([]any)
	switch {
	case loops[operator] && isList:
		args, changed = inertLoop(operator, list)
	case loops[operator], lazy[operator] && !isList:
		return v, false
	default:
		args, changed = inertRule(args)
	}
	if operator == "set" && len(list) >= 3 {
		made := map[string]any{operator: args}
		return map[string]any{operator: []any{made, padding, nil}}, true
	}
	return map[string]any{operator: args}, changed
}

func inertList(list []any) (any, bool) {
	inert, any1 := make([]any, len(list)), false
	for i, element := range list {
		var changed bool
		inert[i], changed = inertRule(element)
		any1 = any1 || changed
	}
	return inert, any1
}

// inertLoop pads the list of a loop, if it is written out, and looks for data
// in the other arguments.
func inertLoop(operator string, args []any) (any, bool) {
	inert, any1 := make([]any, len(args)), false
	for i, arg := range args {
		changed := false
		_, isList := arg.([]any)
		switch {
		case i == 0 && isList:
			if changed = !isInert(arg); changed {
				arg = inertData(arg, false)
			}
		case i == 1 && !isList || i < 2 || i == 2 && operator == "reduce" && !isList:
			arg, changed = inertRule(arg)
		}
		inert[i], any1 = arg, any1 || changed
	}
	return inert, any1
}

// lenience returns why the rule may be answered as an engine likes, or "":
//
//   - An operator that does not have its arguments evaluated, and whose
//     arguments are a variable instead of a list, inside a loop that puts the
//     value in the place of the variable: {"some": [list, {"and": {"var": "x"}}]}.
//     If x is an array, flagd's engine executes it as the list of arguments.
//   - A variable inside of data: {"name": 1, "id": {"var": "x"}}. In a loop
//     within a loop flagd's engine puts a value there too.
func lenience(rule any) string { return lenient(rule, false) }

func lenient(v any, solved bool) string {
	if list, ok := v.([]any); ok {
		for _, element := range list {
			if why := lenient(element, solved); why != "" {
				return why
			}
		}
		return ""
	}
	operator, args, ok := asCall(v)
	if !ok {
		return lenientData(v)
	}
	list, isList := args.([]any)
	if isList && loops[operator] {
		return lenientLoop(operator, list, solved)
	}
	if !isList && (loops[operator] || lazy[operator]) {
		if o, ok := args.(map[string]any); ok && solved && o["var"] != nil {
			return "an array of the context becomes arguments"
		}
		return ""
	}
	return lenient(args, solved)
}

func lenientLoop(operator string, args []any, solved bool) string {
	for i, arg := range args {
		look := lenient
		if _, isList := arg.([]any); isList && i != 1 {
			look = func(v any, _ bool) string { return lenientData(v) }
		}
		if why := look(arg, solved || i == 1 && solving[operator]); why != "" {
			return why
		}
	}
	return ""
}

func lenientData(v any) string {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			if why := lenientData(element); why != "" {
				return why
			}
		}
	case map[string]any:
		if _, ok := v["var"]; ok {
			return "a variable inside of data"
		}
		for name := range maps.Keys(v) {
			if why := lenientData(v[name]); why != "" {
				return why
			}
		}
	}
	return ""
}
