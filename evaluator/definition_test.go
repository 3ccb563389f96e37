package evaluator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

// apart compiles the flags of a document one by one, as sources deliver them.
func apart(t *testing.T, document string) []*evaluator.Flag {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &members); err != nil {
		t.Fatal(err)
	}
	definitions := map[string]json.RawMessage{}
	if err := json.Unmarshal(members["flags"], &definitions); err != nil {
		var list []json.RawMessage // of flags that name themselves
		if err := json.Unmarshal(members["flags"], &list); err != nil {
			t.Fatal(err)
		}
		for _, definition := range list {
			var named struct{ Key string }
			if err := json.Unmarshal(definition, &named); err != nil {
				t.Fatal(err)
			}
			definitions[named.Key] = definition
		}
	}
	delete(members, "flags")
	around, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := evaluator.CompileSettings("", around)
	if err != nil {
		t.Fatal(err)
	}
	var flags []*evaluator.Flag
	for key, definition := range definitions {
		f, err := evaluator.CompileFlag(key, definition, settings)
		if err != nil {
			t.Fatal(err)
		}
		flags = append(flags, f)
	}
	return flags
}

// handOn is the document that others get.
func handOn(t *testing.T, flags []*evaluator.Flag) string {
	t.Helper()
	var members []string
	for _, f := range flags {
		definition, err := f.Definition()
		if err != nil {
			t.Fatalf("flag %s: %v", f.Key(), err)
		}
		key, err := json.Marshal(f.Key())
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, string(key)+":"+string(definition))
	}
	return `{"flags":{` + strings.Join(members, ",") + `}}`
}

func TestWhatIsHandedOnAnswersAsItDoesHere(t *testing.T) {
	for _, path := range slices.Concat(glob(t, "testdata/*.txtar"), glob(t, "testdata/beyond/*.txtar")) {
		script := read(t, path)
		t.Run(script.Name, func(t *testing.T) {
			contexts := generateContexts(t, script.Document, contextsPerScript)
			for _, q := range script.Questions {
				contexts = append(contexts, q.Context)
			}
			flags := apart(t, script.Document)
			set := (*evaluator.FlagSet)(nil).With(nil, flags, nil)
			compareSets(t, set, newFlagd(t, handOn(t, flags)), contexts)
		})
	}
}

func TestADefinitionHoldsFlagdsPartAndNothingElse(t *testing.T) {
	settings, err := evaluator.CompileSettings("shop", []byte(`{
		"$evaluators": {"staff": {"==": [{"var": "role"}, "staff"]}, "both": {"and": [{"$ref": "staff"}, true]}},
		"metadata": {"version": "1", "gone": "x"}, "owner": "team-a"}`))
	if err != nil {
		t.Fatal(err)
	}
	for written, want := range map[string]string{
		`{"variants": {"a": 1.50, "b": "<&>"}, "owner": "me", "expires": "2027-01-01"}`:                                 `{"state":"ENABLED","defaultVariant":"","variants":{"a":1.5,"b":"<&>"},"metadata":{"flagSetId":"shop","gone":"x","version":"1"}}`,
		`{"state": "DISABLED", "Targeting": {"if": [{"$ref": "both"}, "a"]}, "metadata": {"gone": null, "version": 2}}`: `{"state":"DISABLED","defaultVariant":"","variants":{},"targeting":{"if":[{"and":[{"==":[{"var":"role"},"staff"]},true]},"a"]},"metadata":{"flagSetId":"shop","version":2}}`,
		`{"state": "disabled", "variants": {"a": {"$ref": "staff"}}, "defaultVariant": "a", "targeting": null}`:         `{"state":"ENABLED","defaultVariant":"a","variants":{"a":{"==":[{"var":"role"},"staff"]}},"targeting":null,"metadata":{"flagSetId":"shop","gone":"x","version":"1"}}`,
	} {
		f, err := evaluator.CompileFlag("f", []byte(written), settings)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Definition(); string(got) != want || err != nil {
			t.Errorf("of %s there is handed on\n%s, %v, want\n%s", written, got, err, want)
		}
	}
}

func TestFlagsWithoutBytesHaveNoDefinition(t *testing.T) {
	of, _ := compile(t, `{"flags":{"f":{}}}`).Flag("f")
	for _, f := range []*evaluator.Flag{of, evaluator.BrokenFlag("f", nil)} {
		if got, err := f.Definition(); err == nil {
			t.Errorf("there is a definition: %s", got)
		}
	}
}

func TestWhatIsKeptWithAFlagIsMadeOnceAndForAll(t *testing.T) {
	f := flagNamed(t, "f")
	var callers sync.WaitGroup
	results := make([]any, 8)
	for i := range results {
		callers.Go(func() { results[i] = f.Keep(func(f *evaluator.Flag) any { return fmt.Sprint(f.Key(), i) }) })
	}
	callers.Wait()
	for _, got := range results {
		if got != results[0] {
			t.Errorf("one caller is given %v, and another %v", got, results[0])
		}
	}
	if got := f.Keep(func(*evaluator.Flag) any { return "later" }); got != results[0] {
		t.Errorf("later there is %v, want %v", got, results[0])
	}
}
