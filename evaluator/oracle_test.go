package evaluator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	flagd "github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/model"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"gopkg.in/yaml.v3"

	"github.com/flagline/flagline/evaluator"
)

// How many contexts each flag is asked with, both ways.
const (
	contextsPerFlag   = 300
	contextsPerScript = 60 // and those of its questions
)

func TestScriptsAnswerAsFlagdDoes(t *testing.T) {
	for _, path := range glob(t, "testdata/*.txtar") {
		script := read(t, path)
		t.Run(script.Name, func(t *testing.T) {
			contexts := generateContexts(t, script.Document, contextsPerScript)
			for _, q := range script.Questions {
				contexts = append(contexts, q.Context)
			}
			compareWithFlagd(t, script.Document, contexts)
		})
	}
}

func TestRealFilesAnswerAsFlagdDoes(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("..", "..", "shared", "data", "*.flagd.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skip("the folder of real files is not here")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			document := string(data)
			if filepath.Ext(name) == ".yaml" {
				document = yamlToJSON(t, data)
			}
			compareWithFlagd(t, document, generateContexts(t, document, contextsPerFlag))
		})
	}
}

func yamlToJSON(t *testing.T, data []byte) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compareWithFlagd asks every flag of document, and one that is not there, in
// all contexts, for every type that an application may ask for.
func compareWithFlagd(t *testing.T, document string, contexts []evaluator.Context) {
	t.Helper()
	compareSets(t, compile(t, document), newFlagd(t, document), contexts)
}

func compareSets(t *testing.T, set *evaluator.FlagSet, oracle *flagd.JSON, contexts []evaluator.Context) {
	t.Helper()
	keys := []string{"no-such-flag"}
	for key := range set.All() {
		keys = append(keys, key)
	}
	for _, key := range keys {
		for _, ec := range contexts {
			r := set.Evaluate(key, ec)
			for kind, want := range askFlagd(t, oracle, key, ec) {
				if got := asFlagd(r, kind); !reflect.DeepEqual(got, want) {
					t.Errorf("%s as %s for %v\n got %+v\nwant %+v", key, kind, ec, got, want)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
}

func newFlagd(t *testing.T, document string) *flagd.JSON {
	t.Helper()
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{"here"})
	if err != nil {
		t.Fatal(err)
	}
	oracle := flagd.NewJSON(log, flags)
	if err := oracle.SetState(sync.DataSync{FlagData: document, Source: "here"}); err != nil {
		t.Fatal(err)
	}
	return oracle
}

// An answer is what flagd returns, its internal FALLBACK told as what it means.
type answer struct {
	value    any
	variant  string
	reason   string
	code     string
	metadata map[string]any
}

func askFlagd(t *testing.T, oracle *flagd.JSON, key string, ec evaluator.Context) map[string]answer {
	t.Helper()
	ctx := t.Context()
	all := oracle.ResolveAsAnyValue(ctx, "", key, ec)
	answers := map[string]answer{"any": flagdAnswer(all.Value, all.Variant, all.Reason, all.Metadata, all.Error)}
	b, variant, reason, metadata, err := oracle.ResolveBooleanValue(ctx, "", key, ec)
	answers["bool"] = flagdAnswer(b, variant, reason, metadata, err)
	s, variant, reason, metadata, err := oracle.ResolveStringValue(ctx, "", key, ec)
	answers["text"] = flagdAnswer(s, variant, reason, metadata, err)
	f, variant, reason, metadata, err := oracle.ResolveFloatValue(ctx, "", key, ec)
	answers["float"] = flagdAnswer(f, variant, reason, metadata, err)
	i, variant, reason, metadata, err := oracle.ResolveIntValue(ctx, "", key, ec)
	answers["int"] = flagdAnswer(i, variant, reason, metadata, err)
	o, variant, reason, metadata, err := oracle.ResolveObjectValue(ctx, "", key, ec)
	answers["object"] = flagdAnswer(o, variant, reason, metadata, err)
	return answers
}

func flagdAnswer(value any, variant, reason string, metadata map[string]any, err error) answer {
	a := answer{value: value, variant: variant, reason: reason, metadata: metadata}
	switch {
	case err != nil:
		a.code, a.variant, a.value = err.Error(), "", nil
		if a.code == model.ErrorReason {
			a.code = model.GeneralErrorCode
		}
	case reason == model.FallbackReason:
		a.reason, a.value = model.DefaultReason, nil
	case reason == model.DisabledReason:
		a.value = nil
	}
	if a.metadata == nil {
		a.metadata = map[string]any{}
	}
	return a
}

// asFlagd is the answer that r gives to someone who asks for a kind of value.
func asFlagd(r evaluator.Resolution, kind string) answer {
	value, ok, err := valueAs(r, kind)
	a := answer{variant: r.Variant, reason: string(r.Reason), metadata: r.Metadata}
	if ok {
		a.value = value
	}
	if err != nil {
		a.code, a.variant, a.reason = string(err.Code), "", string(evaluator.ReasonError)
	}
	if a.metadata == nil {
		a.metadata = map[string]any{}
	}
	return a
}

func valueAs(r evaluator.Resolution, kind string) (value any, ok bool, err *evaluator.Error) {
	switch kind {
	case "bool":
		return erase(r.Bool())
	case "text":
		return erase(r.Text())
	case "float":
		return erase(r.Float())
	case "int":
		return erase(r.Int())
	case "object":
		return erase(r.Object())
	default:
		return r.Value, r.Value != nil, r.Err
	}
}

func erase[T any](v T, ok bool, err *evaluator.Error) (any, bool, *evaluator.Error) {
	return v, ok, err
}

// generateContexts makes n contexts from the names and the constants that the
// document itself contains, so that its rules have something to decide.
func generateContexts(t *testing.T, document string, n int) []evaluator.Context {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatal(err)
	}
	names, values := harvest(doc, []string{"targetingKey", "email", "version"}, constants())
	random := rand.New(rand.NewPCG(1, uint64(len(document))))
	contexts := []evaluator.Context{nil, {}}
	for len(contexts) < n {
		ec := evaluator.Context{}
		for _, name := range names {
			if random.IntN(4) > 0 {
				setPath(ec, strings.Split(name, "."), values[random.IntN(len(values))])
			}
		}
		ec["targetingKey"] = fmt.Sprintf("user-%d", random.IntN(1_000_000))
		if random.IntN(10) == 0 {
			ec["targetingKey"] = values[random.IntN(len(values))]
		}
		contexts = append(contexts, ec)
	}
	return contexts
}

// constants are values for variables. No object among them has one member: in
// some places flagd would run it as a rule, which is a difference of its own.
func constants() []any {
	return []any{
		nil, true, false, 0, 1, -1.5, 1e21, "", " ", "0", "1", "user@faas.com", "1.2.3", "v2", "&",
		[]any{},
		[]any{1, "a"},
		[]any{nil},
		map[string]any{},
		map[string]any{"a": "b", "c": nil},
		map[string]any{"==": []any{1, 1}, "!": 1},
	}
}

// harvest adds the variables that v reads, and the constants in it.
func harvest(v any, names []string, values []any) ([]string, []any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			member := v[key]
			path, isPath := member.(string)
			if list, ok := member.([]any); ok && len(list) > 0 {
				path, isPath = list[0].(string)
			}
			if key == "var" && isPath && path != "" && !strings.HasPrefix(path, "$flagd") {
				names = append(names, strings.TrimPrefix(path, "."))
			}
			names, values = harvest(member, names, values)
		}
		slices.Sort(names)
		names = slices.Compact(names)
	case []any:
		for _, element := range v {
			names, values = harvest(element, names, values)
		}
	case string:
		values = append(values, v, "x"+v, v+"x")
	case float64:
		values = append(values, v, v-1, v+0.5)
	}
	return names, values
}

func setPath(ec map[string]any, path []string, v any) {
	for len(path) > 1 {
		inner, ok := ec[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			ec[path[0]] = inner
		}
		ec, path = inner, path[1:]
	}
	ec[path[0]] = v
}
