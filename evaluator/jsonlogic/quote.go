package jsonlogic

import "slices"

// quoted marks an array or an object in a rule that did not come from the rule's
// author: a value of the context that was put in place of a variable. It is
// data, whatever it looks like.
type quoted struct{ v any }

// unquote returns v without quotes inside it.
func unquote(v any) any {
	switch v := v.(type) {
	case quoted:
		return v.v
	case []any:
		if !slices.ContainsFunc(v, holdsQuoted) {
			return v
		}
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = unquote(element)
		}
		return list
	case map[string]any:
		if !holdsQuoted(v) {
			return v
		}
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[name] = unquote(member)
		}
		return m
	default:
		return v
	}
}

func holdsQuoted(v any) bool {
	switch v := v.(type) {
	case quoted:
		return true
	case []any:
		return slices.ContainsFunc(v, holdsQuoted)
	case map[string]any:
		for _, member := range v {
			if holdsQuoted(member) {
				return true
			}
		}
	}
	return false
}

func quoteAll(list []any) []any {
	all := make([]any, len(list))
	for i, v := range list {
		all[i] = quote(v)
	}
	return all
}

// quote marks v as data.
func quote(v any) any {
	switch v.(type) {
	case []any, map[string]any:
		return quoted{v}
	}
	return v
}
