package scripts_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
)

const whole = `What it is about.

-- flags.json --
{"flags": {}}
-- evaluate --
plain  null  -  ERROR FLAG_NOT_FOUND

# The second shows this.
off  {"a": {"b": [1, "} -"]}}   on   STATIC
-- metadata --
off  {"owner": "me"}
-- flagd --
off  null  off  STATIC
`

func TestScriptIsReadAsWritten(t *testing.T) {
	s, err := scripts.Read(written(t, whole))
	if err != nil {
		t.Fatal(err)
	}
	want := &scripts.Script{
		Name:     "script",
		Document: "{\"flags\": {}}\n",
		Questions: []scripts.Question{
			{
				Line: "plain  null  -  ERROR FLAG_NOT_FOUND", Key: "plain",
				Want: scripts.Answer{Reason: evaluator.ReasonError, Code: evaluator.CodeFlagNotFound},
			},
			{
				Line: `off  {"a": {"b": [1, "} -"]}}   on   STATIC`, Shows: "The second shows this.", Key: "off",
				Context: evaluator.Context{"a": map[string]any{"b": []any{1.0, "} -"}}},
				Want:    scripts.Answer{Variant: "on", Reason: evaluator.ReasonStatic},
			},
		},
		Metadata: map[string]map[string]any{"off": {"owner": "me"}},
		Flagd: []scripts.Question{
			{Line: "off  null  off  STATIC", Key: "off", Want: scripts.Answer{Variant: "off", Reason: evaluator.ReasonStatic}},
		},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("Read = %+v\nwant %+v", s, want)
	}
}

func TestMistakesInScriptsAreErrors(t *testing.T) {
	for _, c := range []struct{ old, with, want string }{
		{"-- flags.json --", "-- flags --", "has no section flags.json"},
		{"-- evaluate --", "-- ask --", "asks nothing"},
		{"plain  null", "plain  nil", "the key must be followed by an object"},
		{"plain  null", "plain", "the key must be followed by an object"},
		{"FLAG_NOT_FOUND", "", "there is no such answer"},
		{"FLAG_NOT_FOUND", "NOT_FOUND", "there is no such answer"},
		{"FLAG_NOT_FOUND", "FLAG_NOT_FOUND really", "must be followed by variant, reason"},
		{"on   STATIC", "-    STATIC", "there is no such answer"},
		{"on   STATIC", "on   STATICS", "there is no such answer"},
		{"on   STATIC", "on   DISABLED", "there is no such answer"},
		{"on   STATIC", "on", "must be followed by variant, reason"},
		{`{"owner": "me"}`, `{"owner": "me"} {}`, "nothing may follow the metadata"},
		{"off  null  off", "off  null  -", "there is no such answer"},
	} {
		_, err := scripts.Read(written(t, strings.Replace(whole, c.old, c.with, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %q in place of %q: %v, want an error that says %q", c.with, c.old, err, c.want)
		}
	}
	if _, err := scripts.Read(filepath.Join(t.TempDir(), "none.txtar")); err == nil {
		t.Error("a file that does not exist is read")
	}
}

func TestAnswersAreWrittenAsTheyAreRead(t *testing.T) {
	set, err := evaluator.Compile([]byte(`{"flags": {"a": {"variants": {"on": 1}, "defaultVariant": "on"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "on STATIC", "b": "- ERROR FLAG_NOT_FOUND"} {
		if got := scripts.AnswerOf(set.Evaluate(key, nil)).String(); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.txtar")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
