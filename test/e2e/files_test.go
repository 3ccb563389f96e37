package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/model"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"gopkg.in/yaml.v3"
)

// Files that others wrote apply as they are, and the sidecar answers from them
// as flagd core does when it is called directly.
func TestRealFilesAnswerAsFlagdDoes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root(), "..", "shared", "data", "*.flagd.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the folder with files of others is not here")
	}
	w := newWorld(t)
	_, at := w.dev("--no-samples")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			set := strings.NewReplacer(".", "-").Replace(filepath.Base(file))
			w.must(at.API, "apply", "-f", file, "--set", set)
			if r := w.cli(at.API, "diff", "-f", file, "--set", set); r.code != 0 {
				t.Errorf("what was applied differs from its file: %d %s %s", r.code, r.out, r.err)
			}
			oracle, keys := flagd(t, file)
			w.await("its flags", func() error {
				if a, err := ofrepAnswer(at.OFREP, keys[0], "{}", "Flagd-Selector", "flagSetId="+set); err != nil || a.ErrorCode == "FLAG_NOT_FOUND" {
					return fmt.Errorf("%s: %+v, %w", keys[0], a, err)
				}
				return nil
			})
			rng := rand.New(rand.NewPCG(1, 2))
			for _, key := range keys {
				for range 300 {
					compare(t, at.OFREP, set, key, someone(rng), oracle)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// compare asks both about key for ec.
func compare(t *testing.T, addr, set, key string, ec map[string]any, oracle *evaluator.Resolver) {
	t.Helper()
	text, err := json.Marshal(ec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ofrepAnswer(addr, key, string(text), "Flagd-Selector", "flagSetId="+set)
	if err != nil {
		t.Fatal(err)
	}
	want := oracle.ResolveAsAnyValue(context.Background(), "", key, ec)
	var value any
	if len(got.Value) > 0 {
		if err := json.Unmarshal(got.Value, &value); err != nil {
			t.Fatal(err)
		}
	}
	reason := want.Reason
	if reason == model.FallbackReason {
		reason = model.DefaultReason
	}
	if want.Error != nil {
		if got.ErrorCode != want.Error.Error() {
			t.Errorf("%s for %s: error code %q, flagd says %v", key, text, got.ErrorCode, want.Error)
		}
		return
	}
	if !reflect.DeepEqual(value, want.Value) || got.Variant != want.Variant || got.Reason != reason {
		t.Errorf("%s for %s: %v %q %s, flagd says %v %q %s", key, text, value, got.Variant, got.Reason, want.Value, want.Variant, reason)
	}
}

// flagd loads file the way flagd does, and lists its flags.
func flagd(t *testing.T, file string) (*evaluator.Resolver, []string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".yaml") {
		var doc any
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		if data, err = json.Marshal(doc); err != nil {
			t.Fatal(err)
		}
	}
	quiet := logger.NewLogger(zap.NewNop(), false)
	st, err := store.NewStore(quiet, []string{file})
	if err != nil {
		t.Fatal(err)
	}
	if err := evaluator.NewJSON(quiet, st).SetState(sync.DataSync{FlagData: string(data), Source: file}); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Flags map[string]json.RawMessage }
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	resolver := evaluator.NewResolver(st, quiet, noop.NewTracerProvider().Tracer(""))
	return &resolver, slices.Sorted(maps.Keys(doc.Flags))
}

// someone is a subject with some of the attributes that real rules look at.
func someone(rng *rand.Rand) map[string]any {
	ec := make(map[string]any)
	for name, values := range map[string][]any{
		"targetingKey": {"user-1", "user-2", fmt.Sprint("user-", rng.IntN(1000)), ""},
		"email":        {"ada@faas.com", "ben@example.com", "eve@openfeature.dev", "x@ingen.com", "", 7},
		"color":        {"yellow", "red", ""},
		"sessionId":    {fmt.Sprint(rng.IntN(1000)), 12},
		"version":      {"1.2.3", "2.0.0-beta", "v1", "none"},
		"age":          {17, 18, 65, "18", nil},
		"country":      {"DE", "US", "fr"},
		"userType":     {"beta", "employee", "guest"},
	} {
		if rng.IntN(4) > 0 {
			ec[name] = values[rng.IntN(len(values))]
		}
	}
	return ec
}

const mistaken = `{
  "$evaluators": {
    "chicken": {"$ref": "egg"},
    "egg": {"$ref": "chicken"}
  },
  "flags": {
    "schema": {"state": "ENABLD", "variants": {"on": true}, "defaultVariant": "on"},
    "operator": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"if": [{"plus": [1, 2]}, "on"]}},
    "variant": {"state": "ENABLED", "variants": {"green": 1, "red": 2}, "defaultVariant": "blue"},
    "cycle": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"if": [{"$ref": "chicken"}, "on"]}},
    "weight": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"fractional": [["on", -5]]}}
  }
}`

func TestFileWithMistakesIsRefusedWithAllOfThem(t *testing.T) {
	w := newWorld(t)
	_, at := w.dev("--no-samples", "--no-sidecar")
	write := func(name, text string) string {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}

	r := w.cli(at.API, "apply", "-f", write("mistaken.json", mistaken), "-o", "json")
	var answer struct {
		Error struct {
			Code    string
			Details []struct{ File, Pointer, Message string }
		}
	}
	if err := json.Unmarshal([]byte(r.err), &answer); err != nil || r.code != 1 || r.out != "" || answer.Error.Code != "invalid" {
		t.Fatalf("apply ends with %d, prints %q and %q, %v; want 1 and an invalid error", r.code, r.out, r.err, err)
	}
	found := make(map[string]string)
	for _, d := range answer.Error.Details {
		if d.File != "mistaken.json" {
			t.Errorf("a mistake of file %q: %+v", d.File, d)
		}
		found[d.Pointer] = d.Message
	}
	for pointer, want := range map[string]string{
		"/flags/schema/state":                    "ENABLD",
		"/flags/operator/targeting/if/0/plus":    `unknown operator "plus"`,
		"/flags/variant/defaultVariant":          `there is no variant "blue"; there are "green" and "red"`,
		"/$evaluators/chicken/$ref":              "egg",
		"/flags/weight/targeting/fractional/0/1": "-5",
	} {
		if !strings.Contains(found[pointer], want) {
			t.Errorf("%s: %q, want something about %q", pointer, found[pointer], want)
		}
	}
	if len(found) != 5 {
		t.Errorf("%d mistakes, want 5: %v", len(found), found)
	}

	r = w.cli(at.API, "apply", "-f", write("broken.json", "{\n  \"flags\": oops\n}"), "-o", "json")
	if r.code != 1 || !strings.Contains(r.err, "broken.json") || !strings.Contains(r.err, "line 2") {
		t.Errorf("apply of what is not JSON ends with %d and %s", r.code, r.err)
	}
	var list struct {
		Generation uint64
		Flags      []any
	}
	if err := errors.Join(json.Unmarshal([]byte(w.must(at.API, "flag", "list")), &list)); err != nil || list.Generation != 1 || len(list.Flags) != 0 {
		t.Errorf("after refused files there are %+v, %v; want nothing", list, err)
	}
}

// Kill serves one variant to everyone, whatever targeting says, until it is
// rolled back to exactly what was there.
func TestKillIsUndoneByRollback(t *testing.T) {
	w := newWorld(t)
	_, at := w.dev()
	before := w.must(at.API, "export")
	german := `{"targetingKey":"u","country":"DE"}`
	expect := func(value string) {
		t.Helper()
		w.await("banner "+value, func() error {
			got, err := ofrep(at.OFREP, "banner", german)
			if err == nil && got != value {
				err = fmt.Errorf("it answers %s", got)
			}
			return err
		})
	}
	expect(`"Willkommen im Laden"`)
	w.must(at.API, "flag", "kill", "banner", "--variant", "bienvenue", "-m", "typo in German")
	expect(`"Bienvenue dans la boutique"`)
	w.must(at.API, "flag", "rollback", "banner")
	expect(`"Willkommen im Laden"`)
	if after := w.must(at.API, "export"); after != before {
		t.Errorf("after the rollback the export is\n%s\nand was\n%s", after, before)
	}
	if err := os.WriteFile(w.path("export.json"), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	var change struct{ Change *string }
	if out := w.must(at.API, "apply", "-f", "export.json"); json.Unmarshal([]byte(out), &change) != nil || change.Change != nil {
		t.Errorf("applying an export changes something: %s", out)
	}
}
