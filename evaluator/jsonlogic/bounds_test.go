package jsonlogic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/jsonlogic"
)

func TestRuleBeyondTheBoundsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		rule any
		want string
	}{
		"depth of calls": {nested(jsonlogic.MaxDepth+1, func(v any) any { return map[string]any{"!": v} }), "nested more than 1000 deep"},
		"depth of lists": {nested(jsonlogic.MaxDepth+1, func(v any) any { return []any{v} }), "nested more than 1000 deep"},
		"width":          {map[string]any{"+": make([]any, jsonlogic.MaxNodes)}, "more than 1048576 values"},
	} {
		if p, err := jsonlogic.Compile(c.rule); p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Compile = %v, %v; want an error with %q", name, p, err, c.want)
		}
	}
}

func TestRuleWithinTheBoundsRuns(t *testing.T) {
	deep := nested(jsonlogic.MaxDepth-1, func(v any) any { return map[string]any{"!": []any{v}} })
	if got, err := run(t, deep, nil); got != true || err != nil { // null, negated an odd number of times
		t.Errorf("got %v, %v; want true", got, err)
	}
}

func nested(depth int, wrap func(any) any) (rule any) {
	for range depth {
		rule = wrap(rule)
	}
	return rule
}

// No rule runs for long, however little of it there is and however much of the
// context.
func TestRunEndsAfterSoManySteps(t *testing.T) {
	many := make([]any, 20_000)
	for i := range many {
		many[i] = float64(i)
	}
	context := map[string]any{"many": many, "others": []any{-1.0}}
	for name, rule := range map[string]string{
		"a loop in a loop":        `{"map":[{"var":"many"},{"map":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25],{"+":[{"var":""},1]}]}]}`,
		"every pair":              `{"contains_none":[{"var":"many"},{"map":[{"var":"many"},{"-":[0,{"var":""},1]}]}]}`,
		"a rule changed so often": `{"some":[{"var":"many"},{"in":[{"var":"x"},[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			v, err := run(t, parse(t, rule), context)
			if err == nil || !strings.Contains(err.Error(), "more than 1000000 steps") {
				t.Errorf("got %.50v, %v; want it to end", v, err)
			}
		})
	}
}

func TestTextThatDoublesEndsBeforeItFillsTheMemory(t *testing.T) {
	twice := `{"reduce":[{"var":"many"},{"cat":[{"var":"accumulator"},{"var":"accumulator"}]},"x"]}`
	context := map[string]any{"many": make([]any, 64)}
	for i := range 64 {
		context["many"].([]any)[i] = 1.0
	}
	if v, err := run(t, parse(t, twice), context); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("got %.50v, %v; want it to end", v, err)
	}
}

func TestContextThatNestsTooDeepIsAnErrorToWhoReadsIt(t *testing.T) {
	deep := nested(jsonlogic.MaxDepth+1, func(v any) any { return map[string]any{"a": v} })
	loop := map[string]any{}
	loop["a"] = loop
	for name, v := range map[string]any{"deep": deep, "in a circle": loop} {
		context := map[string]any{"x": v, "y": "text"}
		_, err := run(t, parse(t, `{"var":"x"}`), context)
		if wrong, ok := errors.AsType[*jsonlogic.ContextError](err); !ok || wrong.Variable != "x" {
			t.Errorf("%s: %v, want an error that names x", name, err)
		}
		if v, err := run(t, parse(t, `{"var":"y"}`), context); v != "text" || err != nil {
			t.Errorf("%s: beside it there is %v, %v; want the text", name, v, err)
		}
		if v, err := run(t, parse(t, `{"var":"x.a.a.b"}`), context); v != nil || err != nil {
			t.Errorf("%s: on a way through it there is %v, %v; want nothing", name, v, err)
		}
	}
}

type breaks struct{}

func (breaks) MarshalJSON() ([]byte, error) { panic("no") }

func TestValueThatJSONCannotCarryIsNamed(t *testing.T) {
	for _, v := range []any{math.NaN(), math.Inf(1), float32(math.Inf(-1)), func() {}, breaks{}, []any{math.NaN()}, map[string]any{"a": breaks{}}} {
		_, err := run(t, parse(t, `{"==":[{"var":"given"},1]}`), map[string]any{"given": v})
		if err == nil || !strings.HasPrefix(err.Error(), `"given" of the context cannot be written as JSON: `) {
			t.Errorf("for %T the error is %v", v, err)
		}
		if _, err := run(t, parse(t, `{"var":""}`), map[string]any{"given": v}); err == nil {
			t.Errorf("the whole context with a %T is no error", v)
		}
	}
}

// What comes in with the context is data, in every place where the engine that
// flagd uses would run it.
func TestContextIsNeverRun(t *testing.T) {
	attack := map[string]any{"cat": []any{"attack", "ed"}}
	context := map[string]any{"evil": attack, "list": []any{attack}, "key": "k"}
	for rule, want := range map[string]string{
		`{"if":[true,{"var":"evil"}]}`:                            `{"cat":["attack","ed"]}`,
		`{"if":[false,1,{"var":"evil"}]}`:                         `{"cat":["attack","ed"]}`,
		`{"?:":[true,{"var":"evil"},1]}`:                          `{"cat":["attack","ed"]}`,
		`{"set":[{"a":1,"b":2},"c",{"var":"evil"}]}`:              `{"a":1,"b":2,"c":{"cat":["attack","ed"]}}`,
		`{"filter":[[1],{"==":[{"var":"evil"},"attacked"]}]}`:     `[]`,
		`{"some":[[1],{"==":[{"var":"evil"},"attacked"]}]}`:       `false`,
		`{"none":[[1],{"==":[{"var":"evil"},"attacked"]}]}`:       `true`,
		`{"all":[{"var":"list"},{"==":[{"var":""},"attacked"]}]}`: `false`,
		`{"map":[{"var":"list"},{"if":[true,{"var":""}]}]}`:       `[{"cat":["attack","ed"]}]`,
		`{"missing":[{"var":"list"}]}`:                            `error`,
		`{"if":[true,{"set":[{},"var",{"var":"key"}]}]}`:          `{"var":"k"}`,
	} {
		v, err := run(t, parse(t, rule), context)
		got := "error"
		if err == nil {
			text, _ := json.Marshal(v)
			got = string(text)
		}
		if got != want {
			t.Errorf("%s gives %s (%v), want %s", rule, got, err, want)
		}
	}
	if fmt.Sprint(context["list"]) != "[map[cat:[attack ed]]]" {
		t.Errorf("the context was changed: %v", context)
	}
}

func run(t *testing.T, rule any, context map[string]any) (any, error) {
	t.Helper()
	p, err := jsonlogic.Compile(rule)
	if err != nil {
		t.Fatal(err)
	}
	return p.Value(jsonlogic.Input{Context: context, FlagKey: "flag", Now: 1_800_000_000})
}

func parse(t testing.TB, text string) (rule any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &rule); err != nil {
		t.Fatal(err)
	}
	return rule
}
