package evaluator_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	flagd "github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/jsonlogic"
	"github.com/flagline/flagline/evaluator/reference"
	"github.com/flagline/flagline/evaluator/scripts"
)

// What docs/differences-from-flagd.md says of both sides stays true: flagd is
// asked too, unless that would end the process.

func TestScriptsSayWhatFlagdAnswersDifferently(t *testing.T) {
	for _, path := range glob(t, "testdata/differences/*.txtar") {
		script := read(t, path)
		t.Run(script.Name, func(t *testing.T) {
			oracle := newFlagd(t, script.Document)
			if len(script.Flagd) == 0 {
				t.Error("it names no difference")
			}
			for _, q := range script.Flagd {
				want := askFlagd(t, oracle, q.Key, q.Context)["any"]
				if got := inShort(want); got != q.Want {
					t.Errorf("flagd answers %s\n got %s\nwant %s", q.Line, got, q.Want)
				}
				if ours := answerTo(script, q); ours == q.Want || ours == (scripts.Answer{}) {
					t.Errorf("%s: no line says that we answer differently", q.Line)
				}
			}
		})
	}
}

func inShort(a answer) scripts.Answer {
	return scripts.Answer{Variant: a.variant, Reason: evaluator.Reason(a.reason), Code: evaluator.ErrorCode(a.code)}
}

// answerTo is our answer to what flagd is asked with q.
func answerTo(script *scripts.Script, q scripts.Question) scripts.Answer {
	for _, ours := range script.Questions {
		if ours.Key == q.Key && reflect.DeepEqual(ours.Context, q.Context) {
			return ours.Want
		}
	}
	return scripts.Answer{}
}

// flagVariants are the variants of the flags below; "a" is the default.
const flagVariants = `{"a": 1, "b": 2, "true": true, "false": false}`

// compareBoth expects that we answer a rule as ours says, and flagd as theirs.
func compareBoth(t *testing.T, rule string, ec evaluator.Context, ours, theirs string) {
	t.Helper()
	f, err := evaluator.CompileFlag("flag", []byte(`{"variants": `+flagVariants+`, "defaultVariant": "a", "targeting": `+rule+`}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := scripts.AnswerOf(f.Evaluate(ec)).String(); got != ours {
		t.Errorf("%s: we answer %s, want %s", start(rule), got, ours)
	}
	flagdAnswers(t, rule, ec, theirs)
}

func flagdAnswers(t *testing.T, rule string, ec evaluator.Context, want string) {
	t.Helper()
	f := reference.Flag{
		Key: "flag", DefaultVariant: "a", Targeting: []byte(rule),
		Variants: map[string]any{"a": 1.0, "b": 2.0, "true": true, "false": false},
	}
	a := f.Evaluate(ec)
	got := scripts.Answer{Variant: a.Variant, Reason: evaluator.Reason(a.Reason), Code: evaluator.ErrorCode(a.Code)}
	if got.String() != want {
		t.Errorf("%s: flagd answers %s, want %s", start(rule), got, want)
	}
}

func start(rule string) string { return rule[:min(len(rule), 80)] }

func TestRulesNestedTooDeepAreRefused(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat(`{"!":`, depth) + `true` + strings.Repeat(`}`, depth)
	}
	compareBoth(t, nested(jsonlogic.MaxDepth), nil, "true TARGETING_MATCH", "true TARGETING_MATCH")

	refused(t, nested(jsonlogic.MaxDepth+1), "is nested more than 1000 deep")
	flagdAnswers(t, nested(jsonlogic.MaxDepth+1), nil, "false TARGETING_MATCH")
}

func TestRulesOfTooManyValuesAreRefused(t *testing.T) {
	rule := `{"in": [1, [` + strings.Repeat(`0,`, jsonlogic.MaxNodes) + `1]]}`
	refused(t, rule, "has more than 1048576 values")
	flagdAnswers(t, rule, nil, "true TARGETING_MATCH")
}

func refused(t *testing.T, rule, want string) {
	t.Helper()
	f, err := evaluator.CompileFlag("flag", []byte(`{"targeting": `+rule+`}`), nil)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("CompileFlag of %s = %v, %v; want an error that says %q", start(rule), f, err, want)
	}
}

func TestAnEvaluationEndsAfterAMillionSteps(t *testing.T) {
	const rule = `{"in": [1, {"var": "list"}]}`
	list := make([]any, jsonlogic.MaxSteps/4)
	for i := range list {
		list[i] = 0.0
	}
	compareBoth(t, rule, evaluator.Context{"list": list}, "false TARGETING_MATCH", "false TARGETING_MATCH")
	list = append(list, append(list, list...)...) // is read, and is searched
	compareBoth(t, rule, evaluator.Context{"list": list}, "- ERROR PARSE_ERROR", "false TARGETING_MATCH")
}

func TestTextsOfMoreThanAMebibyteAreErrors(t *testing.T) {
	const rule = `{"ends_with": [{"cat": [{"var": "x"}, {"var": "x"}]}, "x"]}`
	x := strings.Repeat("x", jsonlogic.MaxText/2)
	compareBoth(t, rule, evaluator.Context{"x": x}, "true TARGETING_MATCH", "true TARGETING_MATCH")
	compareBoth(t, rule, evaluator.Context{"x": x + "x"}, "- ERROR PARSE_ERROR", "true TARGETING_MATCH")
}

func TestContextsNestedTooDeepAreErrorsForRulesThatReadThem(t *testing.T) {
	const rule = `{"if": [{"var": "x"}, "b"]}`
	deep := any(true)
	for range jsonlogic.MaxDepth {
		deep = []any{deep}
	}
	compareBoth(t, rule, evaluator.Context{"x": deep}, "b TARGETING_MATCH", "b TARGETING_MATCH")
	deeper := evaluator.Context{"x": []any{deep}, "y": true}
	compareBoth(t, rule, deeper, "- ERROR GENERAL", "b TARGETING_MATCH")
	compareBoth(t, `{"if": [{"var": "y"}, "b"]}`, deeper, "b TARGETING_MATCH", "b TARGETING_MATCH")
}

func TestWhatJSONCannotCarryIsAnErrorForRulesThatReadIt(t *testing.T) {
	const reads, other = `{"if": [{"var": "x"}, "b"]}`, `{"if": [{"var": "y"}, "b"]}`
	for what, x := range map[string]any{
		"NaN": math.NaN(), "infinity": math.Inf(1), "a function": func() {}, "a channel": make(chan int),
		"in an array": []any{1, math.NaN()}, "in an object": map[string]any{"a": func() {}},
	} {
		t.Run(what, func(t *testing.T) {
			ec := evaluator.Context{"x": x, "y": true}
			compareBoth(t, reads, ec, "- ERROR GENERAL", "- ERROR ERROR") // which its services tell as GENERAL
			compareBoth(t, other, ec, "b TARGETING_MATCH", "- ERROR ERROR")
		})
	}
	t.Run("a method that panics", func(t *testing.T) {
		ec := evaluator.Context{"x": panics{}, "y": true}
		compareBoth(t, reads, ec, "- ERROR GENERAL", "- ERROR PANIC") // in the application
		compareBoth(t, other, ec, "b TARGETING_MATCH", "- ERROR PANIC")
	})
}

// flagd is not asked: its stack overflows, which ends the process.
func TestContextThatContainsItselfIsAnErrorForRulesThatReadIt(t *testing.T) {
	loop := evaluator.Context{"y": true}
	loop["x"] = map[string]any{"again": loop}
	for rule, want := range map[string]string{
		`{"if": [{"var": "x"}, "b"]}`:                   "- ERROR GENERAL",
		`{"if": [{"var": ""}, "b"]}`:                    "- ERROR GENERAL",
		`{"if": [{"var": "x.again.x.again.y"}, "b"]}`:   "b TARGETING_MATCH",
		`{"if": [{"var": "y"}, "b"]}`:                   "b TARGETING_MATCH",
		`{"if": [{"missing": ["x.again.z"]}, "b", ""]}`: "b TARGETING_MATCH",
	} {
		set := compile(t, `{"flags": {"flag": {"variants": `+flagVariants+`, "targeting": `+rule+`}}}`)
		if got := scripts.AnswerOf(set.Evaluate("flag", loop)).String(); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

func TestNamesThatAreNotUTF8StayAsTheyAre(t *testing.T) {
	const rule = `{"if": [{"var": "x�"}, "b"]}`
	compareBoth(t, rule, evaluator.Context{"x�": true}, "b TARGETING_MATCH", "b TARGETING_MATCH")
	compareBoth(t, rule, evaluator.Context{"x\xff": true}, "a DEFAULT", "b TARGETING_MATCH")
}

// In flagd it is up to the order in which Go goes through a map whether the
// member beside "var", which makes it panic, is looked at.
func TestMembersBesideVarInALoopDoNotMatter(t *testing.T) {
	const rule = `{"some": [[1], {"==": [1, {"var": "x", "note": {"var": [7]}}]}]}`
	ec := evaluator.Context{"x": 1}
	f := reference.Flag{Key: "flag", Variants: map[string]any{"true": true}, Targeting: []byte(rule)}
	theirs, ours := map[string]bool{}, map[string]bool{}
	set := compile(t, `{"flags": {"flag": {"variants": {"true": true}, "targeting": `+rule+`}}}`)
	for range 200 {
		theirs[f.Evaluate(ec).Code] = true
		ours[scripts.AnswerOf(set.Evaluate("flag", ec)).String()] = true
	}
	if want := map[string]bool{"true TARGETING_MATCH": true}; !reflect.DeepEqual(ours, want) {
		t.Errorf("we answer %v", ours)
	}
	if want := map[string]bool{"": true, "PARSE_ERROR": true}; !reflect.DeepEqual(theirs, want) {
		t.Errorf("flagd answers with %v, want both %v", theirs, want)
	}
}

// load gives flagd a document, and returns what it has against it.
func load(t *testing.T, document string) error {
	t.Helper()
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{"here"})
	if err != nil {
		t.Fatal(err)
	}
	return flagd.NewJSON(log, flags).SetState(sync.DataSync{FlagData: document, Source: "here"})
}

func TestReferencesInEvaluatorsAreReplacedEveryTime(t *testing.T) {
	script := read(t, "testdata/beyond/nested-evaluators.txtar")
	seen := map[string]map[string]bool{"deep": {}, "spaced": {}}
	for range 400 { // or, most likely, a handful
		oracle := newFlagd(t, script.Document)
		for key, answers := range seen {
			ec := evaluator.Context{"email": "ada@example.com", "age": 36}
			answers[inShort(askFlagd(t, oracle, key, ec)["any"]).String()] = true
		}
		for _, q := range script.Questions {
			if got := scripts.AnswerOf(compile(t, script.Document).Evaluate(q.Key, q.Context)); got != q.Want {
				t.Fatalf("%s: we answer %s", q.Line, got)
			}
		}
		if len(seen["deep"]) > 1 {
			break
		}
	}
	if want := map[string]bool{"b TARGETING_MATCH": true, "- ERROR PARSE_ERROR": true}; !reflect.DeepEqual(seen["deep"], want) {
		t.Errorf("flagd answers with %v, want both %v", seen["deep"], want)
	}
	if want := map[string]bool{"- ERROR PARSE_ERROR": true}; !reflect.DeepEqual(seen["spaced"], want) {
		t.Errorf("flagd answers a reference with a space in it with %v, want %v", seen["spaced"], want)
	}
}

func TestEvaluatorsMayBeShort(t *testing.T) {
	script := read(t, "testdata/beyond/short-evaluators.txtar")
	if err := load(t, script.Document); err == nil {
		t.Error("flagd takes a document with a short evaluator")
	}
	compile(t, script.Document)
}

// flagd loads these, and answers with PARSE_ERROR once it comes to what is
// wrong.
func TestMistakesInRulesAreRefusedBeforeAnybodyAsks(t *testing.T) {
	const evaluators = `{"a": {"!": {"$ref": "b"}}, "b": {"!": {"$ref": "a"}}, "bad": {"nosuch": 1}}`
	settings := compileSettings(t, "", `{"$evaluators": `+evaluators+`}`)
	for rule, want := range map[string]struct{ mistake, theirs string }{
		`{"nosuch": [1]}`:                        {`unknown operator "nosuch"`, "- ERROR PARSE_ERROR"},
		`{"if": [{"var": "x"}, "b", {"no": 1}]}`: {`unknown operator "no"`, "b TARGETING_MATCH"},
		`{"$ref": "gone"}`:                       {`there is no evaluator "gone"`, "- ERROR PARSE_ERROR"},
		`{"$ref": 7}`:                            {`is a number, want the name of an evaluator`, "- ERROR PARSE_ERROR"},
		`{"$ref": "bad"}`:                        {`unknown operator "nosuch"`, "- ERROR PARSE_ERROR"},
		`{"$ref": "a"}`:                          {`leads in a circle: a -> b -> a`, "- ERROR PARSE_ERROR"},
	} {
		flag := `{"variants": ` + flagVariants + `, "defaultVariant": "a", "targeting": ` + rule + `}`
		_, err := evaluator.CompileFlag("flag", []byte(flag), settings)
		mistake, ok := errors.AsType[*evaluator.SyntaxError](err)
		if !ok || !strings.Contains(mistake.Message, want.mistake) || mistake.Pointer == "" {
			t.Errorf("CompileFlag of %s = %v, want an error with a pointer that says %q", rule, err, want.mistake)
		}
		oracle := newFlagd(t, `{"$evaluators": `+evaluators+`, "flags": {"flag": `+flag+`}}`)
		got := inShort(askFlagd(t, oracle, "flag", evaluator.Context{"x": 1})["any"]).String()
		if got != want.theirs {
			t.Errorf("flagd answers %s with %s, want %s", rule, got, want.theirs)
		}
	}
}

// flagd refuses the whole document.
func TestAMistakeInAFlagDoesNotTakeTheOthersWithIt(t *testing.T) {
	const good = `{"variants": {"a": 1}, "defaultVariant": "a"}`
	for bad, refuses := range map[string]bool{
		`{"variants": {"a": 1}, "defaultVariant": "b"}`: true,
		`{"variants": {"a": 1}, "defaultVariant": 7}`:   true,
		`7`:    true,
		`null`: false,
	} {
		err := load(t, `{"flags": {"good": `+good+`, "bad": `+bad+`}}`)
		if (err != nil) != refuses {
			t.Errorf("with %s flagd says %v", bad, err)
		}
		if f, err := evaluator.CompileFlag("good", []byte(good), nil); err != nil || f.Evaluate(nil).Variant != "a" {
			t.Errorf("the good flag: %v, %v", f, err)
		}
		if f, err := evaluator.CompileFlag("bad", []byte(bad), nil); err == nil {
			t.Errorf("CompileFlag of %s = %v, want an error", bad, f)
		}
	}
	oracle := newFlagd(t, `{"flags": {"null": null, "": `+good+`}}`)
	for key, want := range map[string]string{"null": "- DEFAULT", "": "- ERROR FLAG_NOT_FOUND"} {
		if got := inShort(askFlagd(t, oracle, key, nil)["any"]).String(); got != want {
			t.Errorf("flagd answers the flag %q with %s, want %s", key, got, want)
		}
	}
	if _, err := evaluator.Compile(fmt.Appendf(nil, `{"flags": {"": %s}}`, good)); err == nil {
		t.Error("a flag with the empty key compiles")
	}
}
