package jsonlogic

import (
	"slices"
	"testing"
)

// Every operator, with every kind of operand, written out and from a variable,
// as a result and as a condition, is the same in the graph as in the tree.
func TestEveryOperatorIsTheSameInGraphAndTree(t *testing.T) {
	written := []any{
		nil, true, false, 0.0, 1.0, -1.5, "", "x", "xy", "1", "1.2.3", ">=",
		[]any{},
		[]any{"x", 1.0},
		[]any{"x", "y", "z"},
		[]any{[]any{0.0, 5.0}},
		map[string]any{},
		map[string]any{"p": 1.0, "q": 2.0},
	}
	given := append(slices.Clip(written), "y", "5", 5.0, " x ", "1.3.0-rc", []any{"a", nil}, "missing")
	variable := func(name string) any { return map[string]any{"var": name} }
	asked := 0
	for name := range operators {
		var rules []any
		for _, c := range written {
			rules = append(rules,
				map[string]any{name: c},
				map[string]any{name: []any{c}},
				map[string]any{name: []any{variable("a"), c}},
				map[string]any{name: []any{c, variable("a")}},
				map[string]any{name: []any{variable("a"), c, "1.2.0"}},
				map[string]any{name: []any{variable("a"), ">=", c}},
				map[string]any{name: []any{c, variable("a"), 3.0}},
			)
		}
		rules = append(rules,
			map[string]any{name: variable("a")},
			map[string]any{name: []any{variable("a")}},
			map[string]any{name: []any{variable("a"), variable("a")}},
			map[string]any{name: []any{}},
		)
		for _, rule := range rules {
			for _, whole := range []any{
				rule,
				map[string]any{"if": []any{rule, "then", "else"}},
				map[string]any{"!": rule},
				map[string]any{"!": []any{rule}},
				map[string]any{"and": []any{map[string]any{"!=": []any{variable("a"), "zz"}}, rule}},
				map[string]any{"if": []any{map[string]any{"==": []any{variable("a"), "x"}}, rule, map[string]any{"or": []any{rule, 7.0}}}},
			} {
				asked += sameInGraphAndTree(t, whole, given)
			}
		}
	}
	if asked < 100_000 {
		t.Errorf("asked %d questions only", asked)
	}
}

func sameInGraphAndTree(t *testing.T, rule any, given []any) (asked int) {
	t.Helper()
	var s slots
	tree, err := (&parser{slots: &s}).parse(rule, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range given {
		in := Input{Context: map[string]any{"a": a, "targetingKey": "user"}, FlagKey: "flag", Now: 1_800_000_000}
		if a == "missing" {
			delete(in.Context, "a")
		}
		m := machine{in: in}
		want := m.eval(&tree, value{kind: wholeContext})
		got, failed := p.Value(in)
		if (failed != nil) != (m.err != nil || infinite(want)) || failed == nil && inJSON(got) != inJSON(want.any()) {
			t.Fatalf("%s for %s: the graph gives %s, %v; the tree %s, %v", inJSON(rule), inJSON(a), inJSON(got), failed, inJSON(want.any()), m.err)
		}
		asked++
	}
	return asked
}
