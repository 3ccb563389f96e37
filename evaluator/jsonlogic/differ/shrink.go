package differ

import (
	"iter"
	"maps"
	"slices"
)

// maxTrials bounds the work of Shrink.
const maxTrials = 20_000

// Shrink returns the smallest case it finds that has one context and still
// differs. It begins with the context i of c. It returns nil if that does not
// differ by itself.
func Shrink(c *Case, i int, differs func(*Case) bool) *Case {
	best := c.With(c.Rule, c.Contexts[i].Given)
	if !differs(best) {
		return nil
	}
	if ec := best.Contexts[0]; ec.Seen != nil { // values of plain types, if they will do
		given := maps.Clone(ec.Seen)
		delete(given, "$flagd")
		if d := c.With(c.Rule, given); differs(d) {
			best = d
		}
	}
	trials := 0
	for progress := true; progress; {
		progress = false
		for d := range smallerCases(best) {
			if trials++; trials > maxTrials {
				return best
			}
			if differs(d) {
				best, progress = d, true
				break
			}
		}
	}
	return best
}

func smallerCases(c *Case) iter.Seq[*Case] {
	return func(yield func(*Case) bool) {
		given := c.Contexts[0].Given
		for v := range smaller(given) {
			if o, ok := v.(map[string]any); ok && !yield(c.With(c.Rule, o)) {
				return
			}
		}
		for rule := range smaller(c.Rule) {
			if !yield(c.With(rule, given)) {
				return
			}
		}
	}
}

// smaller yields what v becomes by one step: a part of it, itself without a
// part, or with a part made smaller.
func smaller(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		switch v := v.(type) {
		case []any:
			smallerList(v, yield)
		case map[string]any:
			smallerObject(v, yield)
		case string:
			if v != "" && yield("") && len(v) > 1 {
				_ = yield(v[:1])
			}
		case float64:
			if v != 0 && v != 1 && yield(0.0) {
				_ = yield(1.0)
			}
		}
	}
}

func smallerList(v []any, yield func(any) bool) {
	for _, element := range v {
		if !yield(element) {
			return
		}
	}
	for i := range v {
		if !yield(slices.Delete(slices.Clone(v), i, i+1)) {
			return
		}
	}
	for i, element := range v {
		for s := range smaller(element) {
			list := slices.Clone(v)
			list[i] = s
			if !yield(list) {
				return
			}
		}
	}
}

func smallerObject(v map[string]any, yield func(any) bool) {
	names := slices.Sorted(maps.Keys(v))
	for _, name := range names {
		if !yield(v[name]) {
			return
		}
		if list, ok := v[name].([]any); ok {
			for _, element := range list {
				if !yield(element) {
					return
				}
			}
		}
	}
	for _, name := range names {
		o := maps.Clone(v)
		delete(o, name)
		if !yield(o) {
			return
		}
	}
	for _, name := range names {
		for s := range smaller(v[name]) {
			o := maps.Clone(v)
			o[name] = s
			if !yield(o) {
				return
			}
		}
	}
}

// Texts yields the texts in v, in an order that depends on v alone.
func Texts(v any) iter.Seq[string] {
	return func(yield func(string) bool) { yieldTexts(v, yield) }
}

func yieldTexts(v any, yield func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return yield(v)
	case []any:
		for _, element := range v {
			if !yieldTexts(element, yield) {
				return false
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !yieldTexts(v[name], yield) {
				return false
			}
		}
	}
	return true
}
