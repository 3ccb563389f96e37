package admin_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/admintest"
	"github.com/flagline/flagline/internal/flagdoc"
)

func document(t *testing.T, file, text string) admin.Document {
	t.Helper()
	doc, err := flagdoc.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return admin.Document{File: file, Document: doc}
}

// flags writes a document of flags that are on or off by default.
func flags(set string, defaults ...string) string {
	var list []string
	for _, d := range defaults {
		key, variant, _ := strings.Cut(d, "=")
		list = append(list, fmt.Sprintf(`%q:{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":%q}`, key, variant))
	}
	return fmt.Sprintf(`{"metadata":{"flagSetId":%q},"flags":{%s}}`, set, strings.Join(list, ","))
}

func actions(edits []admin.Difference) string {
	var words []string
	for _, d := range edits {
		words = append(words, fmt.Sprintf("%s %s/%s", d.Action, d.Set, d.Key))
	}
	return strings.Join(words, ", ")
}

func TestApplyWritesOnlyWhatDiffers(t *testing.T) {
	l := admintest.New("dev")
	commit(t, l, admin.Apply([]admin.Document{document(t, "a.json", flags("team", "a=on", "b=on", "c=on"))}, false))
	again := []admin.Document{document(t, "a.json", flags("team", "a=on", "b=off", "d=on"))}

	tests := []struct {
		prune bool
		want  string
	}{
		{false, "update team/b, create team/d"},
		{true, "update team/b, delete team/c, create team/d"},
	}
	for _, test := range tests {
		diff, err := admin.Diff(l.State(), again, test.prune)
		if err != nil {
			t.Fatal(err)
		}
		if got := actions(diff); got != test.want {
			t.Errorf("with prune %v the difference is %q, want %q", test.prune, got, test.want)
		}
		edits, err := admin.Apply(again, test.prune)(l.State())
		if err != nil {
			t.Fatal(err)
		}
		if got := actions(admin.Compare(l.State(), edits)); got != test.want {
			t.Errorf("with prune %v Apply makes %q, want %q", test.prune, got, test.want)
		}
	}
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	docs := []admin.Document{
		document(t, "a.json", `{"$schema":"https://x","flags":{"a":{"state":"ENABLED","variants":{"n":1.50}}}}`),
		document(t, "b.json", flags("team", "a=on")),
	}
	l := admintest.New("dev")
	commit(t, l, admin.Apply(docs, false))
	for _, prune := range []bool{false, true} {
		if c := commit(t, l, admin.Apply(docs, prune)); c.ID != "" {
			t.Errorf("applying again with prune %v makes change %s of %v", prune, c.ID, c.Flags)
		}
	}
}

func TestSettingsThatOnlyNameTheSetAreNoDifference(t *testing.T) {
	l := admintest.New("dev")
	commit(t, l, admin.Create("team", "a", []byte(onOff))) // without settings
	exported := flagdoc.Format(flagdoc.Document{Set: "team", Flags: []flagdoc.Flag{{Key: "a", Body: []byte(onOff)}}})
	diff, err := admin.Diff(l.State(), []admin.Document{document(t, "export", string(exported))}, true)
	if err != nil || len(diff) != 0 {
		t.Errorf("an export differs from where it came from: %v (%v)", actions(diff), err)
	}
}

func TestPruneLeavesOtherSetsAlone(t *testing.T) {
	l := admintest.New("dev")
	commit(t, l, admin.Create("other", "x", []byte(onOff)))
	commit(t, l, admin.Apply([]admin.Document{document(t, "a", `{"$evaluators":{"e":true},"flags":{}}`)}, false))
	diff, err := admin.Diff(l.State(), []admin.Document{document(t, "a", `{"flags":{}}`)}, true)
	if got := actions(diff); err != nil || got != "delete /" {
		t.Errorf("the difference is %q (%v), want only the settings of the unnamed set deleted", got, err)
	}
}

func TestMistakesAreNamedByFileAndPlace(t *testing.T) {
	docs := []admin.Document{
		document(t, "good.json", flags("", "a=on")),
		document(t, "bad.json", `{"metadata":{"flagSetId":"team"},"$evaluators":{"e":{"$ref":"e"}},
			"flags":{"x/y":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"off"}}}`),
	}
	_, err := admin.Apply(docs, false)(admintest.New("dev").State())
	invalid, ok := errors.AsType[*admin.InvalidError](err)
	if !ok {
		t.Fatalf("error is %v, want an InvalidError", err)
	}
	var places []string
	for _, f := range invalid.Findings {
		places = append(places, f.File+" "+f.Pointer)
	}
	for _, want := range []string{"bad.json /$evaluators/e", "bad.json /flags/x~1y/defaultVariant"} {
		if !slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(p, want) }) {
			t.Errorf("mistakes are at %q, want one at %s", places, want)
		}
	}
}

func TestSettingsMayNotBreakFlagsThatNobodyTouched(t *testing.T) {
	l := admintest.New("dev")
	const uses = `"flags":{"f":{"state":"ENABLED","variants":{"on":true},"targeting":{"if":[{"$ref":"e"},"on"]}}}}`
	commit(t, l, admin.Apply([]admin.Document{document(t, "a", `{"$evaluators":{"e":{"var":"x"}},`+uses)}, false))
	_, err := admin.Apply([]admin.Document{document(t, "b", `{"$evaluators":{"e":{"$ref":"gone"}},"flags":{}}`)}, false)(l.State())
	if invalid, ok := errors.AsType[*admin.InvalidError](err); !ok || invalid.Findings[0].File != "b" {
		t.Errorf("error is %v, want an InvalidError about file b", err)
	}
}

func TestSettingsThatADocumentDoesNotMentionStay(t *testing.T) {
	l := admintest.New("dev")
	apply := func(text string, prune bool) string {
		t.Helper()
		commit(t, l, admin.Apply([]admin.Document{document(t, "a", text)}, prune))
		return string(l.State().Settings(""))
	}
	steps := []struct {
		text  string
		prune bool
		want  string
	}{
		{
			`{"$schema":"s","$evaluators":{"a":true,"b":1.0},"flags":{}}`, false,
			`{"$schema":"s","$evaluators":{"a":true,"b":1.0}}`,
		},
		{
			`{"metadata":{"v":1},"$evaluators":{"c":true,"a":false},"flags":{}}`, false,
			`{"$schema":"s","$evaluators":{"a":false,"b":1.0,"c":true},"metadata":{"v":1}}`,
		},
		{`{"flags":{}}`, false, `{"$schema":"s","$evaluators":{"a":false,"b":1.0,"c":true},"metadata":{"v":1}}`},
		{`{"$evaluators":{"c":true},"flags":{}}`, true, `{"$evaluators":{"c":true}}`},
	}
	for _, step := range steps {
		if got := apply(step.text, step.prune); got != step.want {
			t.Errorf("after %s (prune %v) the settings are\n%s, want\n%s", step.text, step.prune, got, step.want)
		}
	}
}

func TestDocumentsOfOneSetMayShareSettingsButNotContradict(t *testing.T) {
	st := admintest.New("dev").State()
	a := document(t, "a", `{"$schema":"1","$evaluators":{"x":true},"flags":{}}`)
	b := document(t, "b", `{"$schema":"2","$evaluators":{"x":true,"y":true},"flags":{}}`)
	c := document(t, "c", `{"$evaluators":{"y":false},"flags":{}}`)
	want := `{"$schema":"2","$evaluators":{"x":true,"y":true}}`
	if got := only(t, admin.Apply([]admin.Document{a, b}, false), st); got != want {
		t.Errorf("together they say %s, want %s", got, want)
	}
	_, err := admin.Apply([]admin.Document{a, b, c}, false)(st)
	if invalid, ok := errors.AsType[*admin.InvalidError](err); !ok || invalid.Findings[0].Pointer != "/$evaluators/y" {
		t.Errorf("error is %v, want an InvalidError about the evaluator", err)
	}
}

func TestOneFlagInTwoFilesIsRefused(t *testing.T) {
	docs := []admin.Document{document(t, "a", flags("team", "x=on")), document(t, "b", flags("team", "x=off"))}
	_, err := admin.Apply(docs, false)(admintest.New("dev").State())
	invalid, ok := errors.AsType[*admin.InvalidError](err)
	if !ok || invalid.Findings[0].File != "b" || !strings.Contains(invalid.Error(), "also in a") {
		t.Errorf("error is %v, want an InvalidError that names both files", err)
	}
}

func TestSummaryTellsWhatChanged(t *testing.T) {
	const rule = `{"if":[{"var":"x"},"on"]}`
	with := func(targeting string) string {
		return strings.TrimSuffix(onOff, "}") + `,"targeting":` + targeting + "}"
	}
	tests := []struct{ before, after, want string }{
		{onOff, strings.Replace(onOff, `"off"}`, `"on"}`, 1), "off → on"},
		{onOff, strings.Replace(onOff, "ENABLED", "DISABLED", 1), "enabled → disabled"},
		{onOff, with(rule), "targeting added"},
		{with(rule), onOff, "targeting removed"},
		{with(rule), with(`{"if":[true,"off",` + rule + `]}`), "killed with off"},
		{with(`{"if":[true,"off"]}`), onOff, "no longer killed"},
		{onOff, strings.Replace(strings.Replace(onOff, "true", "1", 1), "false", "0", 1), "variants changed"},
		{"", onOff, ""},
	}
	for _, test := range tests {
		d := admin.Difference{Before: []byte(test.before), After: []byte(test.after)}
		if got := d.Summary(); got != test.want {
			t.Errorf("Summary of\n%s\n%s\nis %q, want %q", test.before, test.after, got, test.want)
		}
	}
}

// Real files hold properties and names that no schema foresaw. They apply, are
// exported as they are, and then differ in nothing.
func TestRealDocumentsApply(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "*.flagd.*"))
	if err != nil || len(files) == 0 {
		t.Skip("the folder with real flag files is not here")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := flagdoc.ParseFile(file, data)
			if err != nil {
				t.Fatal(err)
			}
			l := admintest.New("dev")
			commit(t, l, admin.Apply([]admin.Document{{File: file, Document: doc}}, false))
			st := l.State()
			if got := len(st.Flags()); got != len(doc.Flags) {
				t.Errorf("%d flags were applied, want %d", got, len(doc.Flags))
			}
			again := flagdoc.Document{Set: doc.Set, Settings: st.Settings(doc.Set)}
			for _, f := range st.Flags() {
				again.Flags = append(again.Flags, flagdoc.Flag{Key: f.Key, Body: f.Body})
			}
			diff, err := admin.Diff(st, []admin.Document{document(t, "export", string(flagdoc.Format(again)))}, true)
			if err != nil || len(diff) != 0 {
				t.Errorf("the export differs: %s (%v)", actions(diff), err)
			}
		})
	}
}
