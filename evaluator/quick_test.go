package evaluator_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
)

// What is compiled without building maps is what would have come out with them,
// to the last constant.

// compareWays compiles a document in both ways, and says whether the quick one
// could.
func compareWays(t *testing.T, document string) bool {
	t.Helper()
	quick, ok := evaluator.CompileQuickly([]byte(document))
	if !ok {
		return false
	}
	thorough, err := evaluator.CompileThoroughly([]byte(document))
	if err != nil {
		t.Fatalf("only the thorough way finds %v in %s", err, document)
	}
	if where := differing(reflect.ValueOf(quick.Settings()), reflect.ValueOf(thorough.Settings())); where != "" {
		t.Fatalf("settings%s differ in %s", where, document)
	}
	if quick.Len() != thorough.Len() {
		t.Fatalf("%d flags, want %d in %s", quick.Len(), thorough.Len(), document)
	}
	for key, want := range thorough.All() {
		got, _ := quick.Flag(key)
		if hasSwitch(want) && hasSwitch(got) {
			continue
		}
		if where := differing(reflect.ValueOf(got), reflect.ValueOf(want)); where != "" {
			t.Fatalf("%s%s differs in %s", key, where, document)
		}
	}
	for key, change := range quick.Diff(thorough) {
		t.Fatalf("%s is said to have changed (%v) in %s", key, change, document)
	}
	return true
}

// hasSwitch says whether a rule asks which of many texts a variable is. Where
// the tests behind it are stored is different each time.
func hasSwitch(f *evaluator.Flag) bool {
	rule := reflect.ValueOf(f).Elem().FieldByName("rule")
	if rule.IsNil() {
		return false
	}
	tests := rule.Elem().FieldByName("tests")
	for i := range tests.Len() {
		if data := tests.Index(i).FieldByName("data"); !data.IsNil() && data.Elem().Type().Elem().Name() == "textSwitch" {
			return true
		}
	}
	return false
}

// differing returns where two values differ, or "". It is reflect.DeepEqual but
// for NaN, which rules are full of: as numbers, texts are none.
func differing(a, b reflect.Value) string {
	if a.IsValid() != b.IsValid() {
		return ": one is nil"
	}
	if !a.IsValid() {
		return ""
	}
	if a.Type() != b.Type() {
		return fmt.Sprintf(": %v, want %v", a.Type(), b.Type())
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return differing(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if where := differing(a.Field(i), b.Field(i)); where != "" {
				return "." + a.Type().Field(i).Name + where
			}
		}
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() || a.Kind() == reflect.Slice && a.IsNil() != b.IsNil() {
			return fmt.Sprintf(": %d elements, want %d", a.Len(), b.Len())
		}
		for i := range a.Len() {
			if where := differing(a.Index(i), b.Index(i)); where != "" {
				return fmt.Sprintf("[%d]%s", i, where)
			}
		}
	case reflect.Map:
		if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
			return fmt.Sprintf(": %d members, want %d", a.Len(), b.Len())
		}
		for _, key := range a.MapKeys() {
			if where := differing(a.MapIndex(key), b.MapIndex(key)); where != "" {
				return fmt.Sprintf("[%v]%s", key, where)
			}
		}
	case reflect.Float64:
		if x, y := a.Float(), b.Float(); math.Float64bits(x) != math.Float64bits(y) && !(math.IsNaN(x) && math.IsNaN(y)) {
			return fmt.Sprintf(": %v, want %v", x, y)
		}
	default:
		if !a.Equal(b) {
			return fmt.Sprintf(": %v, want %v", a, b)
		}
	}
	return ""
}

// between returns a document with the definition of a flag between those of two
// others, which are written where it was, if it was not copied.
func between(definition, evaluators string) string {
	busy := `{"variants": {"v": [` + strings.Repeat(`{"x": "y", "z": [0]}, [1, 2, 3], `, 40) + `0]}, "defaultVariant": "v"}`
	return `{"$evaluators": {` + evaluators + `}, "flags": {"before": ` + busy + `, "flag": ` + definition + `, "behind": ` + busy + `}}`
}

func TestGeneratedRulesCompileQuicklyAsThoroughly(t *testing.T) {
	quickly := 0
	const cases = 3_000
	for n := range uint64(cases) {
		rule, err := json.Marshal(differ.Make(3, n).Rule)
		if err != nil {
			t.Fatal(err)
		}
		document := between(`{"variants": {"b": {"a": [1, {}]}, "a": null}, "metadata": {"m": [], "n": null}, "targeting": `+string(rule)+`}`, []string{``, `"e": {"$ref": "f"}, "f": {"var": "x"}`}[n%2])
		if compareWays(t, document) {
			quickly++
		}
	}
	if quickly < cases*9/10 {
		t.Errorf("only %d of %d rules were compiled quickly", quickly, cases)
	}
}

func TestScriptsCompileQuicklyAsThoroughly(t *testing.T) {
	quickly := 0
	for _, path := range glob(t, "testdata/*.txtar") {
		if compareWays(t, string(read(t, path).Document)) {
			quickly++
		}
	}
	if quickly < 10 {
		t.Errorf("only %d scripts were compiled quickly", quickly)
	}
}

func TestOddDocumentsCompileQuicklyAsThoroughlyOrNotAtAll(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	quickly := 0
	for range 2_000 {
		if compareWays(t, oddDocument(random)) {
			quickly++
		}
	}
	for document, want := range map[string]bool{
		`{"flags": {}}`:                      true,
		`{"flags": []}`:                      true,
		`{"flags": {"f": {"variants": {}}}}`: true,
		`{"flags": {"f": {"variants": {"a": 0, "b": 1}}, "g": {"variants": {"b": 1, "a": -0}}, "h": {"variants": {"a": 0}}}}`: true,
		` { "FLAGS" : { } , "metadata" : { "a" : 1 , "b" : null } , "x" : [ { } ] } `:                                         true,
		`{"metadata": {"a": 1}, "flags": {"f": {"metadata": {"a": null, "b": {"c": [1]}}}}}`:                                  true,
		`{"flags": {"f": {"metadata": {"b": 2}}}, "metadata": {"a": 1}}`:                                                      true,
		`{"flags": {"f": {"variants": {"a": 1}, "defaultVariant": "a"}, "f": {"variants": {"a": 2}}}}`:                        true,
		`{"flags": [{"key": "f", "state": "DISABLED"}, {"KEY": "f", "Variants": {"a": 2}}], "$evaluators":{}}`:                true,
		`{"flags": {"f": {"targeting": {}}, "g": {"targeting": null}, "h": {"targeting": {"a": 1, "b": {"c": []}}}}}`:         true,
		`{"flags": {"f": {"targeting": [{"a": 1, "b": {}}, ["x", ["y"]], []]}}}`:                                              true,

		`{"$evaluators": {"e": {"==": [{"var": "x"}, 1]}}, "flags": {"f": {"targeting": {"if": [{"$ref": "e"}, "a"]}}, "g": {"targeting": {"a": 1, "b": {"$ref": "e"}}}}}`: true,
		`{"$evaluators": {"e": {"no": 1}}, "flags": {"f": {"targeting": {"$ref": "e"}}}}`:                                                                                  false,
		`{"$evaluators": {"e": 5}, "flags": {"f": {"variants": {"a": {"b": [{"$ref": "e"}]}}, "x": {"$ref": "nosuch"}, "metadata": {"$ref": "e"}}}}`:                       false,
		`{"$evaluators": {"e": 5}, "flags": {"f": {"variants": {"a": {"b": [{"$ref": "e"}]}}, "x": {"$ref": "nosuch"}, "metadata": {"m": {"$ref": "e"}}}}}`:                true,
		`{"$evaluators": {"e": 5}, "flags": {"f": {"targeting": {"==": [{"var": "x"}, ` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `]}}}}`:                    false,
		`{"$evaluators": {"e": {}}, "flags": {"f": {"$ref": "e"}}}`:                                                                                                        true,
		`{"$evaluators": {"e": true}, "flags": {"f": {"targeting": {"map": [{"no": 1}]}}}}`:                                                                                false,

		`{"flags": null}`:                              false,
		`{"flags": null null}`:                         false,
		`{"flags": {}} {}`:                             false,
		`{"flags": {]}`:                                false,
		`{"flags": [}, "x": {]}`:                       false,
		`{"flags": {"f": {}}, "flags": {}}`:            false,
		`{"flags": {}, "Flags": {}}`:                   false,
		`{"flags": {"f": {"state": 1}}}`:               false,
		`{"flags": {"f": {"a": 1, "a": 1}}}`:           false,
		`{"flags": {"f": {"state": "", "State": ""}}}`: true,
		`{"flags": {"": {}}}`:                          false,
		`{"flags": [{"key": "a", "Key": "b"}]}`:        false,
		`{"flags": {"f": {"targeting": {"no": 1}}}}`:   false,
		`{"flags": {}, "$evaluators": {"e": true}}`:    true,
		`{"flags": {}, "metadata": 1}`:                 false,
		`[]`:                                           false,
	} {
		if got := compareWays(t, document); got != want {
			t.Errorf("compiled quickly is %v, want %v: %s", got, want, document)
		}
	}
	if quickly < 100 {
		t.Errorf("only %d documents were compiled quickly", quickly)
	}
}

// The same flag, spelt in another order and compiled in the other way.
func TestDiffDoesNotMindHowAFlagWasCompiled(t *testing.T) {
	one := `"f": {"variants": {"a": 1, "b": {"x": 1, "y": [{"z": 1, "q": 2}]}}, "metadata": {"m": 1, "n": {"o": 2, "p": 3}},
		"targeting": {"if": [{"==": [{"var": "a"}, {"p": 1, "q": [{"r": 1, "s": {}}]}]}, "a", "b"]}}`
	other := `"f": {"targeting": {"if": [{"==": [{"var": "a"}, {"q": [{"s": {}, "r": 1}], "p": 1}]}, "a", "b"]},
		"metadata": {"n": {"p": 3, "o": 2}, "m": 1}, "variants": {"b": {"y": [{"q": 2, "z": 1}], "x": 1}, "a": 1}}`
	changed := strings.Replace(other, `"r": 1`, `"r": 2`, 1)
	before := compile(t, `{"flags": {`+one+`}}`)
	for _, c := range []struct {
		flag string
		want int
	}{{one, 0}, {other, 0}, {changed, 1}} {
		for _, evaluators := range []string{``, `, "$evaluators": {"unused": true}`} {
			n := 0
			for range before.Diff(compile(t, `{"flags": {`+c.flag+`}`+evaluators+`}`)) {
				n++
			}
			if n != c.want {
				t.Errorf("%d changes, want %d: %s%s", n, c.want, c.flag, evaluators)
			}
		}
	}
}

func FuzzDocumentsCompileQuicklyAsThoroughly(f *testing.F) {
	random := rand.New(rand.NewPCG(11, 11))
	for range 50 {
		f.Add(oddDocument(random))
	}
	for _, path := range glob(f, "testdata/*.txtar") {
		f.Add(string(read(f, path).Document))
	}
	for n := range uint64(50) {
		if rule, err := json.Marshal(differ.Make(5, n).Rule); err == nil {
			f.Add(`{"flags": {"f": {"targeting": ` + string(rule) + `}}}`)
		}
	}
	f.Fuzz(func(t *testing.T, document string) { compareWays(t, document) })
}
