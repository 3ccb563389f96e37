package evaluator_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

func TestScripts(t *testing.T) {
	for _, pattern := range []string{"testdata/*.txtar", "testdata/beyond/*.txtar"} {
		for _, name := range glob(t, pattern) {
			t.Run(filepath.Base(name), func(t *testing.T) {
				files := readScript(t, name)
				set := compile(t, files["flags.json"])
				for _, line := range lines(files["evaluate"]) {
					q := parseQuestion(t, line)
					if got := inShort(set.Evaluate(q.key, q.ec)); got != q.want {
						t.Errorf("%s\n got %s\nwant %s", line, got, q.want)
					}
				}
			})
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
			want := strings.Join(lines(files["mistakes"]), "\n")
			if got := err.Error(); got != want {
				t.Errorf("Compile reports\n%s\nwant\n%s", got, want)
			}
			if _, ok := errors.AsType[*evaluator.SyntaxError](err); !ok {
				t.Errorf("no SyntaxError in %T", err)
			}
		})
	}
}

// A question is one line of a script: a flag, a context and the answer.
type question struct {
	key  string
	ec   evaluator.Context
	want string
}

func parseQuestion(t *testing.T, line string) question {
	t.Helper()
	key, rest, _ := strings.Cut(line, " ")
	dec := json.NewDecoder(strings.NewReader(rest))
	q := question{key: key}
	if err := dec.Decode(&q.ec); err != nil {
		t.Fatalf("context in %q: %v", line, err)
	}
	answer := rest[dec.InputOffset():]
	q.want = strings.Join(strings.Fields(answer), " ")
	return q
}

// inShort writes an answer as scripts do: variant, reason, error code.
func inShort(r evaluator.Resolution) string {
	words := []string{"-", string(r.Reason)}
	if r.Variant != "" {
		words[0] = r.Variant
	}
	if r.Err != nil {
		words = append(words, string(r.Err.Code))
	}
	return strings.Join(words, " ")
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

// readScript reads the sections of a txtar file.
func readScript(t testing.TB, name string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	files, section := make(map[string]string), ""
	for line := range strings.Lines(string(data)) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(title, " --") {
			section = strings.TrimSuffix(title, " --")
			continue
		}
		files[section] += line
	}
	return files
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}
