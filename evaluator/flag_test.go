package evaluator_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

func TestAnswersCarryTheMetadataOfSetAndFlag(t *testing.T) {
	const definition = `{"variants":{"x":1},"defaultVariant":"x","metadata":{"owner":"b","drop":null,"own":1}}`
	for _, c := range []struct {
		set, settings string
		want          map[string]any
	}{
		{"", "", map[string]any{"owner": "b", "own": 1.0}},
		{"demo", "", map[string]any{"owner": "b", "own": 1.0, "flagSetId": "demo"}},
		{"demo", `{"metadata":{"flagSetId":"mine"}}`, map[string]any{"owner": "b", "own": 1.0, "flagSetId": "mine"}},
		{"", `{"metadata":{"owner":"a","drop":1,"nil":null,"v":"2"}}`, map[string]any{"owner": "b", "own": 1.0, "v": "2"}},
	} {
		settings := compileSettings(t, c.set, c.settings)
		f, err := evaluator.CompileFlag("f", []byte(definition), settings)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Evaluate(nil).Metadata; !maps.Equal(got, c.want) {
			t.Errorf("set %q with %s: metadata = %v, want %v", c.set, c.settings, got, c.want)
		}
	}
}

func TestSettingsKeepTheirMetadata(t *testing.T) {
	settings := compileSettings(t, "demo", `{"metadata":{"v":"2","nil":null}}`)
	want := map[string]any{"flagSetId": "demo", "v": "2"}
	if got := settings.Metadata(); !maps.Equal(got, want) {
		t.Errorf("Metadata = %v, want %v", got, want)
	}
}

func TestSettingsThatAreNotAnObjectAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                   "is an array, want an object",
		`{`:                    "line 1, column 1: unexpected end of JSON input",
		`{"metadata":"x"}`:     "/metadata: is a string, want an object",
		`{"$evaluators":true}`: "/$evaluators: is a boolean, want an object",
	} {
		settings, err := evaluator.CompileSettings("demo", []byte(body))
		if settings != nil || err == nil || err.Error() != want {
			t.Errorf("CompileSettings(%s) = %v, %v; want error %q", body, settings, err, want)
		}
	}
}

func TestMistakesOfAFlagPointIntoTheFlag(t *testing.T) {
	f, err := evaluator.CompileFlag("f", []byte(`{"variants":{"on":1},"defaultVariant":"no","targeting":{"if":[{"plus":1},"on"]}}`), nil)
	if f != nil || err == nil {
		t.Fatalf("CompileFlag = %v, %v; want an error", f, err)
	}
	want := `/targeting/if/0/plus: unknown operator "plus"` +
		"\n/defaultVariant: there is no variant \"no\"; there is \"on\""
	if err.Error() != want {
		t.Errorf("CompileFlag reports\n%v\nwant\n%s", err, want)
	}
	if s, ok := errors.AsType[*evaluator.SyntaxError](err); !ok || s.Pointer != "/targeting/if/0/plus" {
		t.Errorf("first SyntaxError = %+v", s)
	}
}

func TestBrokenFlagAnswersWithItsCause(t *testing.T) {
	cause := errors.New("line 1, column 2: unexpected end")
	f := evaluator.BrokenFlag("f", cause)
	r := f.Evaluate(evaluator.Context{"targetingKey": "u"})
	if r.Reason != evaluator.ReasonError || r.Err.Code != evaluator.CodeParseError || !errors.Is(r.Err, cause) {
		t.Errorf("Evaluate = %+v, want PARSE_ERROR because of %v", r, cause)
	}
	if want := `flag "f": ` + cause.Error(); r.Err.Error() != want {
		t.Errorf("error reads %q, want %q", r.Err, want)
	}
	if r := evaluator.BrokenFlag("f", nil).Evaluate(nil); r.Err == nil || r.Err.Unwrap() == nil {
		t.Errorf("without a cause: %+v, want one", r)
	}
}

func TestValueThatIsNotJSONIsAnErrorOnlyForRulesThatReadIt(t *testing.T) {
	set := compile(t, `{"flags":{
		"static": {"variants":{"x":1},"defaultVariant":"x"},
		"empty":  {"variants":{"x":1},"defaultVariant":"x","targeting":{}},
		"off":    {"variants":{"x":1},"defaultVariant":"x","targeting":{"var":"x"},"state":"DISABLED"},
		"rule":   {"variants":{"x":1},"defaultVariant":"x","targeting":{"var":"x"}},
		"other":  {"variants":{"x":1},"defaultVariant":"x","targeting":{"var":"y"}}}}`)
	loop := evaluator.Context{}
	loop["x"] = loop
	for _, ec := range []evaluator.Context{{"x": func() {}}, {"x": math.NaN()}, {"x": panics{}}, loop} {
		for _, key := range []string{"static", "empty", "off", "other"} {
			if r := set.Evaluate(key, ec); r.Err != nil {
				t.Errorf("%s: %v, want no error", key, r.Err)
			}
		}
		r := set.Evaluate("rule", ec)
		if r.Err == nil || r.Value != nil || r.Variant != "" {
			t.Errorf("rule: %+v, want an error", r)
		}
	}
	if r := set.Evaluate("rule", evaluator.Context{"x": func() {}}); r.Err.Code != evaluator.CodeGeneral {
		t.Errorf("rule: code %s, want GENERAL as flagd answers it", r.Err.Code)
	}
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

func TestEvaluationDoesNotChangeTheContext(t *testing.T) {
	set := compile(t, `{"flags":{"f":{"variants":{"x":1},"targeting":{"set":[{"var":"user"},"name","x"]}}}}`)
	ec := evaluator.Context{"user": map[string]any{"name": "ada"}, "$flagd": 1}
	set.Evaluate("f", ec)
	want := evaluator.Context{"user": map[string]any{"name": "ada"}, "$flagd": 1}
	if !reflect.DeepEqual(ec, want) {
		t.Errorf("context is %v now, was %v", ec, want)
	}
}

func TestTypedAnswers(t *testing.T) {
	set := compile(t, `{"flags":{
		"bool":   {"variants":{"v":true},"defaultVariant":"v"},
		"text":   {"variants":{"v":"s"},"defaultVariant":"v"},
		"number": {"variants":{"v":-1.5},"defaultVariant":"v"},
		"object": {"variants":{"v":{"a":1}},"defaultVariant":"v"},
		"none":   {"variants":{"v":1}},
		"off":    {"state":"DISABLED","variants":{"v":1},"defaultVariant":"v"}}}`)
	// Each cell is what Bool, Text, Float, Int and Object say in turn.
	for key, want := range map[string]string{
		"bool":   `true TYPE_MISMATCH TYPE_MISMATCH TYPE_MISMATCH TYPE_MISMATCH`,
		"text":   `TYPE_MISMATCH s TYPE_MISMATCH TYPE_MISMATCH TYPE_MISMATCH`,
		"number": `TYPE_MISMATCH TYPE_MISMATCH -1.5 -1 TYPE_MISMATCH`,
		"object": `TYPE_MISMATCH TYPE_MISMATCH TYPE_MISMATCH TYPE_MISMATCH map[a:1]`,
		"none":   `- - - - -`,
		"off":    `- - - - -`,
		"gone":   `FLAG_NOT_FOUND FLAG_NOT_FOUND FLAG_NOT_FOUND FLAG_NOT_FOUND FLAG_NOT_FOUND`,
	} {
		r := set.Evaluate(key, nil)
		got := strings.Join([]string{cell(r.Bool()), cell(r.Text()), cell(r.Float()), cell(r.Int()), cell(r.Object())}, " ")
		if got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	_, _, err := set.Evaluate("text", nil).Bool()
	if want := `flag "text": variant "v" is a string, not a boolean`; err.Error() != want {
		t.Errorf("error reads %q, want %q", err, want)
	}
}

func cell[T any](v T, ok bool, err *evaluator.Error) string {
	switch {
	case err != nil:
		return string(err.Code)
	case !ok:
		return "-"
	default:
		return fmt.Sprint(v)
	}
}

func TestEvaluatorsThatDoubleEachOtherAreRefused(t *testing.T) {
	rules := `"e0":{"var":"x"}`
	for i := range 40 {
		rules += fmt.Sprintf(`,"e%d":{"or":[{"$ref":"e%d"},{"$ref":"e%d"}]}`, i+1, i, i)
	}
	settings := compileSettings(t, "", `{"$evaluators":{`+rules+`}}`)
	_, err := evaluator.CompileFlag("f", []byte(`{"variants":{"x":1},"targeting":{"$ref":"e40"}}`), settings)
	if err == nil || !strings.HasPrefix(err.Error(), "has more than ") {
		t.Errorf("CompileFlag = %v, want it to be too large", err)
	}
}

func TestEvaluatorsThatNestTooDeepAreRefused(t *testing.T) {
	rules := `"e0":{"var":"x"}`
	for i := range 20 {
		body := strings.Repeat(`{"!":`, 1000) + fmt.Sprintf(`{"$ref":"e%d"}`, i) + strings.Repeat(`}`, 1000)
		rules += fmt.Sprintf(`,"e%d":%s`, i+1, body)
	}
	settings := compileSettings(t, "", `{"$evaluators":{`+rules+`}}`)
	_, err := evaluator.CompileFlag("f", []byte(`{"variants":{"x":1},"targeting":{"$ref":"e20"}}`), settings)
	if err == nil || !strings.HasPrefix(err.Error(), "is nested more than ") {
		t.Errorf("CompileFlag = %v, want it to be too deep", err)
	}
}

func compileSettings(t testing.TB, set, body string) *evaluator.Settings {
	t.Helper()
	var data []byte
	if body != "" {
		data = []byte(body)
	}
	settings, err := evaluator.CompileSettings(set, data)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func FuzzCompileAndEvaluate(f *testing.F) {
	for _, name := range glob(f, "testdata/*.txtar") {
		f.Add([]byte(readScript(f, name)["flags.json"]), "user@faas.com", 1.5)
	}
	f.Add([]byte(`{"flags":[{"key":"a","variants":{"x":null},"targeting":{"$ref":"a"}}],"$evaluators":{"a":{"$ref":"a"}}}`), "", 0.0)
	f.Fuzz(func(t *testing.T, document []byte, text string, number float64) {
		set, err := evaluator.Compile(document)
		if err != nil {
			return
		}
		for _, ec := range []evaluator.Context{nil, {"targetingKey": text, "x": number, "a": text, "list": []any{text, number}}} {
			for key, f := range set.All() {
				r := f.Evaluate(ec)
				if (r.Err != nil) != (r.Reason == evaluator.ReasonError) || (r.Value == nil) != (r.Variant == "") && r.Variant != "" {
					t.Errorf("%q answers %+v", key, r)
				}
			}
		}
	})
}
