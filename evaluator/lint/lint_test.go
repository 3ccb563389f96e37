package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/lint"
)

func TestScripts(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			document, want := readScript(t, name)
			found := lint.Document([]byte(document))
			if got := told(found); got != want {
				t.Errorf("Document finds\n%swant\n%s", got, want)
			}
			if _, err := evaluator.Compile([]byte(document)); err != nil && !hasErrors(found) {
				t.Errorf("Document finds no error, but Compile does: %v", err)
			}
		})
	}
}

func TestRealFilesHaveNoErrors(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "*.flagd.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skip("the folder of real files is not here")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := lint.Document(data); hasErrors(found) {
			t.Errorf("%s:\n%s", filepath.Base(name), told(found))
		}
	}
}

func TestFlagIsCriticisedAlone(t *testing.T) {
	const settings = `{"metadata": {"flagSetId": 7},
		"$evaluators": {"a": {"!": [{"$ref": "b"}]}, "b": {"!": [{"$ref": "a"}]}, "bad": {"plus": 1}, "good": {"var": "x"}}}`
	for _, c := range []struct{ definition, settings, want string }{
		{`{"state": "ENABLED", "variants": {"on": 1}}`, ``, ``},
		{`{"state": "ENABLED", "variants": {"on": 1}, "targeting": {"if": [{"$ref": "good"}, "on"]}}`, settings, ``},
		{
			`{"state": "ENABLED", "variants": {"on": 1}, "targeting": {"if": [{"$ref": "good"}, "on"]}}`, ``,
			"error unknown_ref /flags/a~1b/targeting/if/0/$ref: there is no evaluator \"good\"; there are none\n",
		},
		{
			`{"state": "ENABLED", "variants": {"on": 1}, "targeting": {"if": [{"$ref": "b"}, "on"]}}`, settings,
			"error ref_cycle /flags/a~1b/targeting/if/0/$ref: evaluator \"b\" leads in a circle: b -> a -> b\n",
		},
		{
			`{"state": "ENABLED", "variants": {"on": 1}, "targeting": {"if": [{"$ref": "bad"}, "on"]}}`, settings,
			"error does_not_compile /flags/a~1b/targeting/if/0/$ref: evaluator \"bad\": /$evaluators/bad/plus: unknown operator \"plus\"\n",
		},
		{
			`{"state": "on", "variants": {"on": 1}, "defaultVariant": "off"}`, settings,
			"error unknown_default_variant /flags/a~1b/defaultVariant: there is no variant \"off\"; there is \"on\"\n" +
				"error wrong_value /flags/a~1b/state: is \"on\", want \"ENABLED\" or \"DISABLED\"\n",
		},
		{`[]`, ``, "error wrong_type /flags/a~1b: is an array, want an object\n"},
		{`{`, ``, "error not_json /flags/a~1b: is not JSON: line 1, column 1: unexpected end of JSON input\n"},
	} {
		var surroundings []byte
		if c.settings != "" {
			surroundings = []byte(c.settings)
		}
		if got := told(lint.Flag("a/b", []byte(c.definition), surroundings)); got != c.want {
			t.Errorf("Flag(%s) finds\n%swant\n%s", c.definition, got, c.want)
		}
	}
}

func TestFlagNeedsAKey(t *testing.T) {
	const definition = `{"state": "ENABLED", "variants": {"on": 1}}`
	want := "error empty /flags/: the key of a flag must not be empty\n"
	if got := told(lint.Flag("", []byte(definition), nil)); got != want {
		t.Errorf("Flag finds\n%swant\n%s", got, want)
	}
}

func TestFlagAloneIsCriticisedLikeADocumentOfItsOwn(t *testing.T) {
	wrong := 0
	for seed := range uint64(5_000) {
		a := author{rand.New(rand.NewPCG(seed, 1)), int(seed % 3 * 15)}
		definition := a.flag()
		document := []byte(`{"flags": {"a/b": ` + definition + `}}`)
		if lint.Spelling(document) != nil || !json.Valid(document) {
			continue // which is not asked of a flag alone
		}
		got, want := told(lint.Flag("a/b", []byte(definition), nil)), told(lint.Document(document))
		if strings.Contains(want, "not_json") {
			continue // whose lines are others
		}
		if got != want {
			t.Errorf("Flag(%s) finds\n%swant\n%s", definition, got, want)
		}
		if want != "" {
			wrong++
		}
	}
	if wrong < 1_000 {
		t.Errorf("%d flags had mistakes, want enough to tell", wrong)
	}
}

func TestCompileReturnsWhatCanBePublished(t *testing.T) {
	for document, want := range map[string]string{
		`{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1}}}}`:                           "1 flags, 0 findings",
		`{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}}}}`:                 "1 flags, 1 findings",
		`{"flags": {"f": {"state": "on", "variants": {"a": 1}}}}`:                                "nothing, 1 findings",
		`{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1}, "Targeting": {"plus": 1}}}}`: "nothing, 1 findings",
		`{"flags": {}, "flags": {}}`:                                                             "nothing, 1 findings",
		`{"flags": {}`:                                                                           "nothing, 1 findings",
	} {
		set, found := lint.Compile([]byte(document))
		got := fmt.Sprintf("%d flags, %d findings", set.Len(), len(found))
		if set == nil {
			got = fmt.Sprintf("nothing, %d findings", len(found))
		}
		if got != want {
			t.Errorf("Compile(%s) = %s, want %s", document, got, want)
		}
	}
}

func TestOneCriticDoesNotDisturbAnother(t *testing.T) {
	document, want := readScript(t, "testdata/rules.txtar")
	results := make(chan string)
	for range 4 {
		go func() { results <- told(lint.Document([]byte(document))) }()
	}
	for range 4 {
		if got := <-results; got != want {
			t.Errorf("Document finds\n%s", got)
		}
	}
}

func told(found []lint.Finding) string {
	var text strings.Builder
	for _, f := range found {
		fmt.Fprintf(&text, "%s %s %s: %s\n", f.Severity, f.Code, f.Pointer, f.Message)
	}
	return text.String()
}

func hasErrors(found []lint.Finding) bool {
	return slices.ContainsFunc(found, func(f lint.Finding) bool { return f.Severity == lint.SeverityError })
}

// readScript returns the document and the findings of a script.
func readScript(t *testing.T, name string) (document, findings string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "-- flags.json --\n")
	document, findings, also := strings.Cut(rest, "-- findings --\n")
	if !ok || !also {
		t.Fatalf("%s lacks a section", name)
	}
	return document, findings
}

func TestEvaluatorsThatDoubleEachOtherAreCriticisedInTime(t *testing.T) {
	rules := `"e0": "blue"`
	for i := range 60 {
		rules += fmt.Sprintf(`, "e%d": {"if": [1, {"$ref": "e%d"}, {"$ref": "e%d"}]}`, i+1, i, i)
	}
	found := lint.Document([]byte(`{"$evaluators": {` + rules + `}, "flags": {
		"f": {"state": "ENABLED", "variants": {"red": 1}, "targeting": {"$ref": "e60"}}}}`))
	want := "error unknown_variant /flags/f/targeting/$ref: there is no variant \"blue\"; there is \"red\"\n"
	if got := told(found); got != want {
		t.Errorf("Document finds\n%swant\n%s", got, want)
	}
}
