package evaluator_test

import (
	"encoding/json"
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

// What long runs of generated rules have found.
func TestRulesThatOnceDifferedAnswerAsFlagdDoes(t *testing.T) {
	differ.Prepare()
	for _, found := range []struct {
		rule  string
		given map[string]any
	}{
		{`{"filter":[{"var":"nums"},{"map":[{"var":true}]}]}`, map[string]any{"nums": []any{}}},
		{`{"filter":[{"var":"nums"},{"reduce":[{"var":true},1]}]}`, map[string]any{"nums": []any{}}},
		{`{"fractional":[{"var":"nums"}]}`, map[string]any{"nums": []any{0.0}, "targetingKey": "o"}},
		{`{"fractional":[{"var":["items.0.tags",[""]]}]}`, map[string]any{"items": true, "targetingKey": "b"}},
		{`{"if":[{},"",{"==":[{"var":"plan."},"b"]},{"==":[{"var":"plan."},""]}]}`, map[string]any{"plan": "b"}},
		{`{"if":[{"contains_any":[{"var":"a"},"x"]},1,2]}`, map[string]any{"a": "x"}},
	} {
		var rule any
		if err := json.Unmarshal([]byte(found.rule), &rule); err != nil {
			t.Fatal(err)
		}
		c := differ.New(rule, found.given)
		answer, err := compileRule(c)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer(&c.Contexts[0]); !c.Judge(0, got).Right {
			t.Error(tell(c, 0, got))
		}
	}
}
