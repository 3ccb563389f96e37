package evaluator_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
)

func TestScripts(t *testing.T) {
	for _, pattern := range []string{"testdata/*.txtar", "testdata/beyond/*.txtar", "testdata/differences/*.txtar"} {
		for _, path := range glob(t, pattern) {
			script := read(t, path)
			t.Run(script.Name, func(t *testing.T) {
				set := compile(t, script.Document)
				for _, q := range script.Questions {
					r := set.Evaluate(q.Key, q.Context)
					if got := scripts.AnswerOf(r); got != q.Want {
						t.Errorf("%s\n%s\n got %s\nwant %s", q.Shows, q.Line, got, q.Want)
					}
					if want, ok := script.Metadata[q.Key]; ok && !reflect.DeepEqual(r.Metadata, want) {
						t.Errorf("%s\ncomes with %v\nwant %v", q.Line, r.Metadata, want)
					}
				}
			})
		}
	}
}

// Whoever looks for an operator finds what it does.
func TestScriptsTellOfEveryOperator(t *testing.T) {
	told := make(map[string]bool)
	for _, path := range glob(t, "testdata/*.txtar") {
		var document any
		if err := json.Unmarshal([]byte(read(t, path).Document), &document); err != nil {
			t.Fatal(err)
		}
		noteNames(document, told)
	}
	for operator := range strings.FieldsSeq(`var and or ! !! if ?: == != === !== < <= > >= in + - * / % abs max min
		cat substr set missing missing_some merge map filter reduce all none some
		contains_all contains_any contains_none fractional sem_ver starts_with ends_with`) {
		if !told[operator] {
			t.Errorf("no script tells what %q does", operator)
		}
	}
}

func noteNames(v any, names map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			names[name] = true
			noteNames(member, names)
		}
	case []any:
		for _, element := range v {
			noteNames(element, names)
		}
	}
}

func TestMistakesAreFoundAllAtOnceAndPointAtTheirPlace(t *testing.T) {
	for _, name := range glob(t, "testdata/mistakes/*.txtar") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			files := readScript(t, name)
			set, err := evaluator.Compile([]byte(strings.TrimSpace(files["flags.json"])))
			if set != nil || err == nil {
				t.Fatalf("Compile = %v, %v; want nil and an error", set, err)
			}
			want := strings.TrimSpace(files["mistakes"])
			if got := err.Error(); got != want {
				t.Errorf("Compile reports\n%s\nwant\n%s", got, want)
			}
			if _, ok := errors.AsType[*evaluator.SyntaxError](err); !ok {
				t.Errorf("no SyntaxError in %T", err)
			}
		})
	}
}

func compile(t testing.TB, document string) *evaluator.FlagSet {
	t.Helper()
	set, err := evaluator.Compile([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return names
}

func read(t testing.TB, path string) *scripts.Script {
	t.Helper()
	script, err := scripts.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// readScript reads the sections of a file that may ask nothing.
func readScript(t testing.TB, path string) map[string]string {
	t.Helper()
	files, err := scripts.Sections(path)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
