package evaluator_test

import (
	"testing"

	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
)

// Every operator is asked with every kind of operand, written out and from a
// variable, one, two and three of them, which chance would take long to do.
func TestEveryOperatorWithEveryOperandAnswersAsFlagdDoes(t *testing.T) {
	differ.Prepare()
	operators := []string{
		"and", "or", "!", "!!", "if", "?:", "==", "!=", "===", "!==", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "max", "min", "abs",
		"cat", "substr", "in", "var", "set", "missing", "missing_some", "merge", "map", "filter", "reduce", "all", "none", "some",
		"contains_all", "contains_any", "contains_none", "fractional", "sem_ver", "starts_with", "ends_with",
	}
	operands := []any{
		nil, true, false, 0.0, 2.0, -1.5, "", "a", "1", " 2 ", "1.2.3", ">=",
		[]any{},
		[]any{"a", 2.0},
		[]any{nil},
		[]any{[]any{0.0, 5.0}},
		[]any{"a", []any{"b", 1.0}},
		map[string]any{},
		map[string]any{"p": 1.0, "q": "a"},
		map[string]any{"var": "x"},
		map[string]any{"var": ""},
		map[string]any{"==": []any{1.0, 1.0}},
		map[string]any{"-": []any{}},
	}
	given := []map[string]any{
		{},
		{"x": "a", "targetingKey": "u", "p": true},
		{"x": []any{"a", 2.0, nil}, "targetingKey": "u"},
		{"x": 2.0, "a": map[string]any{"p": 1.0, "q": 2.0}},
	}
	if testing.Short() {
		operands = operands[:8]
	}
	asked, exempt := 0, 0
	ask := func(rule any) {
		for _, ec := range given {
			c := differ.New(rule, ec)
			answer, err := compileRule(c)
			if err != nil {
				t.Fatalf("%s does not compile: %v", differ.Text(rule), err)
			}
			got := answer(&c.Contexts[0])
			verdict := c.Judge(0, got)
			if !verdict.Right {
				t.Error(tell(c, 0, got))
			}
			asked++
			if verdict.Exempt != "" {
				exempt++
			}
		}
	}
	for _, name := range operators {
		ask(map[string]any{name: []any{}})
		for _, a := range operands {
			ask(map[string]any{name: a})
			ask(map[string]any{name: []any{a}})
			for _, b := range operands {
				ask(map[string]any{name: []any{a, b}})
				ask(map[string]any{"if": []any{map[string]any{name: []any{a, b}}, 1.0, 2.0}})
				ask(map[string]any{name: []any{a, b, "1.2.0"}})
				ask(map[string]any{name: []any{a, "~", b}})
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d questions, %d of them about data that flagd would run", asked, exempt)
}
