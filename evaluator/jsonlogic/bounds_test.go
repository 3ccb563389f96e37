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
	context := map[string]any{"many": many, "needle": "x", "haystack": strings.Repeat("y", 100_000)}
	for name, rule := range map[string]string{
		"a loop in a loop":                  `{"map":[{"var":"many"},{"map":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25],{"+":[{"var":""},1]}]}]}`,
		"every pair":                        `{"contains_none":[{"var":"many"},{"map":[{"var":"many"},{"-":[0,{"var":""},1]}]}]}`,
		"long arrays, made again and again": `{"map":[{"var":"many"},[{"var":""},` + strings.Repeat("1,", 500) + `1]]}`,
		"a long text in a loop":             `{"some":[{"var":"many"},{"in":[{"var":"needle"},{"var":"haystack"}]}]}`,
		"a long number in a loop":           `{"map":[{"var":"many"},{"<":[1,"` + strings.Repeat("1", 10_000) + `"]}]}`,
		"all of the context, many times":    `[` + strings.Repeat(`{"var":""},`, 100) + `1]`,
		"a rule changed so often":           `{"some":[{"var":"many"},{"in":[{"var":"x"},[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30]]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			v, err := run(t, parse(t, rule), context)
			if err == nil || !strings.Contains(err.Error(), "more than 1000000 steps") {
				t.Errorf("got %.50v, %v; want it to end", v, err)
			}
		})
	}
}

// A long text costs those tests that look through it, and no others.
func TestLongTextDoesNotExhaustTheStepsOfOtherTests(t *testing.T) {
	var clauses []string
	for i := range 1_000 {
		clauses = append(clauses, fmt.Sprintf(`{"starts_with":[{"var":"other"},"%d"]},%d`, i, i))
	}
	context := map[string]any{"long": strings.Repeat("x", 1<<20), "other": "999"}
	rule := parse(t, `{"if":[{"==":[{"var":"long"},"y"]},"y",`+strings.Join(clauses, ",")+`]}`)
	if v, err := run(t, rule, context); v != 9.0 || err != nil {
		t.Errorf("got %v, %v; want the first number that 999 starts with", v, err)
	}
	for i := range clauses {
		clauses[i] = fmt.Sprintf(`{"in":["%d",{"var":"long"}]},%d`, i, i)
	}
	rule = parse(t, `{"if":[`+strings.Join(clauses, ",")+`]}`)
	if v, err := run(t, rule, context); err == nil || !strings.Contains(err.Error(), "more than 1000000 steps") {
		t.Errorf("a thousand searches of a mebibyte end with %v, %v; want an error", v, err)
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

// Chains of equalities that end in the same chain share it.
func TestChainsThatShareAnEndDoNotCopyIt(t *testing.T) {
	var heads, tail []string
	for i := range 2_000 {
		heads = append(heads, fmt.Sprintf(`{"==":[{"var":"c"},%d]},{"==":[{"var":"b"},"h%d"]}`, i, i))
		tail = append(tail, fmt.Sprintf(`{"==":[{"var":"b"},"t%d"]}`, i))
	}
	rule := parse(t, `{"if":[{"or":[{"if":[`+strings.Join(heads, ",")+`,false]},`+strings.Join(tail, ",")+`]},"on","off"]}`)
	bytes := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := jsonlogic.Compile(rule); err != nil {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if bytes > 100<<20 { // a copy for each head would take gigabytes
		t.Errorf("compiling takes %d bytes", bytes)
	}
	for b, want := range map[string]string{"h7": "off", "t7": "on", "t1999": "on", "x": "off"} {
		if got, err := run(t, rule, map[string]any{"c": -1.0, "b": b}); got != want || err != nil {
			t.Errorf("for %s: %v, %v; want %s", b, got, err, want)
		}
	}
}

func TestRuleMayHoldNumbersOfGo(t *testing.T) {
	context := map[string]any{"age": 17, "country": "de"}
	for _, rule := range []any{
		map[string]any{"<": []any{map[string]any{"var": "age"}, 18}},
		map[string]any{"<": []any{map[string]any{"var": "age"}, uint8(18)}},
		map[string]any{"in": []any{map[string]any{"var": "country"}, []string{"de", "at"}}},
	} {
		if got, err := run(t, rule, context); got != true || err != nil {
			t.Errorf("%v gives %v, %v; want true", rule, got, err)
		}
	}
	for _, rule := range []any{
		map[string]any{"==": []any{func() {}, 1.0}},
		map[string]any{"==": []any{map[string]any{"a": 1, "b": 2}, 1.0}},
	} {
		if p, err := jsonlogic.Compile(rule); err == nil {
			t.Errorf("%v compiles to %v, want an error", rule, p)
		}
	}
}

func TestResultsAndProgramsAreNotMistakenForOthers(t *testing.T) {
	var r jsonlogic.Result
	new(jsonlogic.Program).Run(jsonlogic.Input{}, &r)
	if r.Err == nil || r.Constant >= 0 {
		t.Errorf("a program that was never compiled gives %+v", r)
	}
	p, err := jsonlogic.Compile(parse(t, `{"if":[{"var":"x"},"yes","no"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		x    any
		want any
	}{{math.NaN(), nil}, {true, "yes"}, {math.NaN(), nil}, {false, "no"}} {
		p.Run(jsonlogic.Input{Context: map[string]any{"x": c.x}}, &r)
		if (r.Err != nil) != (c.want == nil) || (r.Constant < 0) != (c.want == nil) || c.want != nil && p.Constants()[r.Constant] != c.want {
			t.Errorf("for %v the result, used again, is %+v", c.x, r)
		}
	}
	numbered, err := jsonlogic.CompileFor("x", func(any) int { return 77 })
	if err != nil {
		t.Fatal(err)
	}
	if numbered.Run(jsonlogic.Input{}, &r); r.Constant != 77 {
		t.Errorf("the result is %d, want 77", r.Constant)
	}
	if v, err := numbered.Value(jsonlogic.Input{}); err == nil {
		t.Errorf("a program of numbers has the value %v", v)
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
