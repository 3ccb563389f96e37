package admin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/admintest"
	"github.com/flagline/flagline/internal/flagdoc"
)

const onOff = `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"}`

// ledger returns a ledger that holds one flag of each of the bodies, in the
// unnamed set.
func ledger(t *testing.T, bodies map[string]string) *admintest.Ledger {
	t.Helper()
	l := admintest.New("dev")
	for key, body := range bodies {
		write(t, l, admin.Edit{Key: key, Body: []byte(body)})
	}
	return l
}

// write publishes edits as they are, mistakes and all.
func write(t *testing.T, l *admintest.Ledger, edits ...admin.Edit) {
	t.Helper()
	commit(t, l, func(admin.State) ([]admin.Edit, error) { return edits, nil })
}

func commit(t *testing.T, l *admintest.Ledger, plan admin.Plan) admin.Change {
	t.Helper()
	change, err := l.Commit(t.Context(), admin.Draft{Author: "ann", Plan: plan})
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return change
}

// only returns the body of the one edit that plan makes.
func only(t *testing.T, plan admin.Plan, st admin.State) string {
	t.Helper()
	edits, err := plan(st)
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	if len(edits) != 1 {
		t.Fatalf("plan makes %d edits, want 1: %+v", len(edits), edits)
	}
	return string(edits[0].Body)
}

func TestVerbsEditTheirPartAndNothingElse(t *testing.T) {
	const odd = `{"zeta":1.50,"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","description":"\u0061 <b>"}`
	tests := []struct {
		name, body string
		plan       admin.Plan
		want       string // "" if there is nothing to do
	}{
		{"disable", odd, admin.Disable("", "f"), strings.Replace(odd, "ENABLED", "DISABLED", 1)},
		{"disable twice", strings.Replace(odd, "ENABLED", "DISABLED", 1), admin.Disable("", "f"), ""},
		{"enable", strings.Replace(odd, "ENABLED", "DISABLED", 1), admin.Enable("", "f"), odd},
		{"enable what is enabled", odd, admin.Enable("", "f"), ""},
		{"toggle", odd, admin.Toggle("", "f"), strings.Replace(odd, `"defaultVariant":"off"`, `"defaultVariant":"on"`, 1)},
		{
			"set the default variant", odd,
			admin.Set("", "f", admin.Parts{DefaultVariant: new("on")}),
			strings.Replace(odd, `"defaultVariant":"off"`, `"defaultVariant":"on"`, 1),
		},
		{
			"set what is so already", odd,
			admin.Set("", "f", admin.Parts{DefaultVariant: new("off"), State: new("enabled")}), "",
		},
		{
			"set one variant and add another", onOff,
			admin.Set("", "f", admin.Parts{Variants: []byte(`{"off": true, "third" : false}`)}),
			`{"state":"ENABLED","variants":{"on":true,"off":true,"third":false},"defaultVariant":"off"}`,
		},
		{
			"set targeting", onOff,
			admin.Set("", "f", admin.Parts{Targeting: []byte(`{"if": [{"==":[{"var":"n"}, 1.0]}, "on"]}`)}),
			`{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"n"},1.0]},"on"]}}`,
		},
		{
			"remove targeting", `{"state":"ENABLED","variants":{"on":true},"targeting":{"if":[true,"on"]},"owner":"x"}`,
			admin.Set("", "f", admin.Parts{Targeting: []byte(" null ")}),
			`{"state":"ENABLED","variants":{"on":true},"owner":"x"}`,
		},
		{
			"set the words of authors", `{"state":"ENABLED","variants":{"on":true},"owner":"x"}`,
			admin.Set("", "f", admin.Parts{Description: new("<new>"), Owner: new(""), Tags: &[]string{"a", "b"}}),
			`{"state":"ENABLED","variants":{"on":true},"description":"<new>","tags":["a","b"]}`,
		},
		{
			"define", onOff,
			admin.Define("", "f", []byte(`{ "variants": {"one": 1}, "state": "ENABLED" }`)),
			`{"variants":{"one":1},"state":"ENABLED"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := ledger(t, map[string]string{"f": test.body}).State()
			edits, err := test.plan(st)
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if len(edits) > 0 {
					t.Errorf("plan makes %s, want nothing to do", edits[0].Body)
				}
				return
			}
			if got := only(t, test.plan, st); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestKillKeepsTheRuleThatItCutsOff(t *testing.T) {
	flag := func(state, targeting string) string {
		if targeting != "" {
			targeting = `,"targeting":` + targeting
		}
		return `{"state":"` + state + `","variants":{"on":true,"off":false},"defaultVariant":"on"` + targeting + `}`
	}
	const rule = `{"if":[{"==":[{"var":"x"},1.0]},"on"]}`
	tests := []struct{ name, body, variant, want string }{
		{"with a rule", flag("ENABLED", rule), "off", flag("ENABLED", `{"if":[true,"off",`+rule+`]}`)},
		{"without a rule", flag("ENABLED", ""), "off", flag("ENABLED", `{"if":[true,"off"]}`)},
		{"with an empty rule", flag("ENABLED", "{}"), "off", flag("ENABLED", `{"if":[true,"off"]}`)},
		{"a disabled flag", flag("DISABLED", ""), "off", flag("ENABLED", `{"if":[true,"off"]}`)},
		{
			"again with another variant", flag("ENABLED", `{"if":[true,"off",`+rule+`]}`), "on",
			flag("ENABLED", `{"if":[true,"on",`+rule+`]}`),
		},
		{"again without a rule", flag("ENABLED", `{"if":[true,"off"]}`), "on", flag("ENABLED", `{"if":[true,"on"]}`)},
		{"again with the same variant", flag("ENABLED", `{"if":[true,"off"]}`), "off", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := ledger(t, map[string]string{"f": test.body}).State()
			plan := admin.Kill("", "f", test.variant)
			if test.want == "" {
				if edits, err := plan(st); err != nil || len(edits) != 0 {
					t.Errorf("Kill makes %v (%v), want nothing to do", edits, err)
				}
				return
			}
			if got := only(t, plan, st); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestKilledFlagServesTheVariantToEveryone(t *testing.T) {
	l := ledger(t, map[string]string{
		"f": `{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"on","targeting":{"if":[{"var":"vip"},"on"]}}`,
	})
	commit(t, l, admin.Kill("", "f", "off"))
	if got := admin.Evaluate(l.State(), "", "f", map[string]any{"vip": true}); got.Variant != "off" || got.Err != nil {
		t.Errorf("a killed flag answers %+v, want off", got)
	}
}

func TestMistakesThatAreThereAlreadyDoNotStopAKill(t *testing.T) {
	l := ledger(t, map[string]string{
		"f": `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","expires":"someday","owner":5}`,
	})
	if got := only(t, admin.Kill("", "f", "off"), l.State()); !strings.Contains(got, `"targeting":{"if":[true,"off"]}`) {
		t.Errorf("Kill makes %s", got)
	}
}

func TestWhatMakesNoSenseIsRefusedWithTheWayOut(t *testing.T) {
	l := ledger(t, map[string]string{
		"two":      onOff,
		"three":    `{"state":"ENABLED","variants":{"a":1,"b":2,"c":3},"defaultVariant":"a"}`,
		"targeted": `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","targeting":{"if":[{"var":"x"},"off"]}}`,
		"bare":     `{"state":"ENABLED","variants":{"on":true,"off":false}}`,
		"hollow":   `{"state":"ENABLED","variants":{"none":null,"off":false},"defaultVariant":"off"}`,
	})
	tests := []struct {
		name string
		plan admin.Plan
		want string
	}{
		{"toggle of three", admin.Toggle("", "three"), `has 3 variants ("a", "b" and "c")`},
		{"toggle of a rule", admin.Toggle("", "targeted"), "has targeting"},
		{"toggle without default", admin.Toggle("", "bare"), "no default variant"},
		{"kill with a stranger", admin.Kill("", "two", "blue"), `no variant "blue"; it has "on" and "off"`},
		{"kill with a variant without a value", admin.Kill("", "hollow", "none"), "cannot be killed"},
		{"an unknown state", admin.Set("", "two", admin.Parts{State: new("off")}), `enabled or disabled, not "off"`},
		{"targeting that is not JSON", admin.Set("", "two", admin.Parts{Targeting: []byte("{")}), "not JSON"},
		{"a flag without a key", admin.Create("", "", []byte(onOff)), "needs a key"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.plan(l.State())
			if usage, ok := errors.AsType[*admin.UsageError](err); !ok || !strings.Contains(usage.Message, test.want) {
				t.Errorf("error is %v, want a UsageError with %q", err, test.want)
			}
		})
	}
}

func TestCreateRefusesWhatExists(t *testing.T) {
	l := ledger(t, map[string]string{"f": onOff})
	if _, err := admin.Create("", "f", []byte(onOff))(l.State()); !isA[*admin.ExistsError](err) {
		t.Errorf("error is %v, want an ExistsError", err)
	}
	if got := only(t, admin.Create("team", "f", []byte(` { "state":"ENABLED", "variants":{"a":1.0}} `)), l.State()); got != `{"state":"ENABLED","variants":{"a":1.0}}` {
		t.Errorf("the same key in another set makes %s", got)
	}
}

func TestMissingFlagIsNotFoundAndTheOtherSetIsNamed(t *testing.T) {
	l := admintest.New("dev")
	write(t, l, admin.Edit{Set: "team", Key: "f", Body: []byte(onOff)})
	plans := map[string]admin.Plan{
		"enable": admin.Enable("", "f"), "delete": admin.Delete("", "f"), "kill": admin.Kill("", "f", "on"),
		"set": admin.Set("", "f", admin.Parts{}), "rollback": rollback(t, l, "f", 0),
	}
	for name, plan := range plans {
		_, err := plan(l.State())
		if missing, ok := errors.AsType[*admin.NotFoundError](err); !ok || !strings.Contains(missing.Error(), `"team"`) {
			t.Errorf("%s: error is %v, want a NotFoundError that names the set", name, err)
		}
	}
}

func TestFindTakesTheOnlySetThatHasTheFlag(t *testing.T) {
	l := admintest.New("dev")
	for _, name := range []string{"a/one", "a/both", "b/both", "/all", "a/all"} {
		set, key, _ := strings.Cut(name, "/")
		write(t, l, admin.Edit{Set: set, Key: key, Body: []byte(onOff)})
	}
	st := l.State()
	if f, err := admin.Find(st, nil, "one"); err != nil || f.Set != "a" {
		t.Errorf("one is found in %q (%v), want in a", f.Set, err)
	}
	if f, err := admin.Find(st, nil, "all"); err != nil || f.Set != "" {
		t.Errorf("all is found in %q (%v), want in the unnamed set", f.Set, err)
	}
	if _, err := admin.Find(st, nil, "both"); !isA[*admin.UsageError](err) || !strings.Contains(err.Error(), `"a" and "b"`) {
		t.Errorf("both: error is %v, want a UsageError that names the sets", err)
	}
	if _, err := admin.Find(st, new("b"), "one"); !isA[*admin.NotFoundError](err) {
		t.Errorf("one in b: error is %v, want a NotFoundError", err)
	}
}

func TestDefinitionThatIsNoObjectIsInvalid(t *testing.T) {
	l := ledger(t, map[string]string{"f": onOff})
	for name, plan := range map[string]admin.Plan{
		"define": admin.Define("", "f", []byte("[]")), "create": admin.Create("", "g", []byte("{")),
	} {
		_, err := plan(l.State())
		if invalid, ok := errors.AsType[*admin.InvalidError](err); !ok || !strings.HasPrefix(invalid.Findings[0].Pointer, "/flags/") {
			t.Errorf("%s: error is %v, want an InvalidError", name, err)
		}
	}
}

func TestInvalidResultIsRefusedWithEveryMistake(t *testing.T) {
	l := ledger(t, map[string]string{"f": onOff})
	plan := admin.Define("", "f", []byte(`{"state":"ON","variants":{"on":true},"defaultVariant":"off","targeting":{"plus":[1,2]}}`))
	_, err := plan(l.State())
	invalid, ok := errors.AsType[*admin.InvalidError](err)
	if !ok {
		t.Fatalf("error is %v, want an InvalidError", err)
	}
	var pointers []string
	for _, f := range invalid.Findings {
		pointers = append(pointers, f.Pointer)
	}
	for _, want := range []string{"/flags/f/state", "/flags/f/defaultVariant", "/flags/f/targeting/plus"} {
		if !strings.Contains(strings.Join(pointers, " "), want) {
			t.Errorf("findings are at %v, want one at %s", pointers, want)
		}
	}
}

func TestRollback(t *testing.T) {
	l := admintest.New("dev")
	commit(t, l, admin.Create("", "f", []byte(onOff)))                       // 1
	commit(t, l, admin.Set("", "f", admin.Parts{DefaultVariant: new("on")})) // 2
	commit(t, l, admin.Create("", "other", []byte(onOff)))                   // 3
	commit(t, l, admin.Kill("", "f", "off"))                                 // 4
	on := strings.Replace(onOff, `"defaultVariant":"off"`, `"defaultVariant":"on"`, 1)

	if got := only(t, rollback(t, l, "f", 0), l.State()); got != on {
		t.Errorf("before the kill it was %s, want %s", got, on)
	}
	if got := only(t, rollback(t, l, "f", 1), l.State()); got != onOff {
		t.Errorf("at generation 1 it was %s, want %s", got, onOff)
	}
	if edits, err := rollback(t, l, "f", 4)(l.State()); err != nil || len(edits) != 0 {
		t.Errorf("rolling back to now makes %v (%v), want nothing to do", edits, err)
	}
	if _, err := rollback(t, l, "other", 0)(l.State()); !isA[*admin.UsageError](err) {
		t.Errorf("undoing a creation: error is %v, want a UsageError", err)
	}
	if _, err := rollback(t, l, "f", 99)(l.State()); !isA[*admin.UsageError](err) || !strings.Contains(err.Error(), "only reached generation 4") {
		t.Errorf("rolling back to the future: error is %v, want a UsageError", err)
	}
	commit(t, l, admin.Delete("", "f"))
	commit(t, l, rollback(t, l, "f", 0))
	if f, ok := l.State().Flag("", "f"); !ok || !strings.Contains(string(f.Body), `[true,"off"]`) {
		t.Errorf("the deleted flag came back as %s (%v), want it killed", f.Body, ok)
	}
}

func TestRollbackOfWhatHasMovedOnIsAConflict(t *testing.T) {
	l := ledger(t, map[string]string{"f": onOff})
	commit(t, l, admin.Disable("", "f"))
	plan := rollback(t, l, "f", 0)
	commit(t, l, admin.Enable("", "f"))
	_, err := plan(l.State())
	if c, ok := errors.AsType[*admin.ConflictError](err); !ok || len(c.Moved) != 1 || c.Moved[0].Generation != 3 {
		t.Errorf("error is %v, want a ConflictError about generation 3", err)
	}
}

// rollback returns the plan, or one that answers with the error of making it.
func rollback(t *testing.T, l admin.Ledger, key string, to uint64) admin.Plan {
	t.Helper()
	plan, err := admin.Rollback(t.Context(), l, "", key, to)
	if err != nil {
		return func(admin.State) ([]admin.Edit, error) { return nil, err }
	}
	return plan
}

func TestEvaluateAnswersAsASidecarWould(t *testing.T) {
	l := admintest.New("dev")
	doc, err := flagdoc.Parse([]byte(`{"metadata":{"flagSetId":"team","v":1},"$evaluators":{"pro":{"==":[{"var":"plan"},"pro"]}},
		"flags":{"f":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"$ref":"pro"},"on"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	commit(t, l, admin.Apply([]admin.Document{{Document: doc}}, false))
	st := l.State()
	if got := admin.Evaluate(st, "team", "f", map[string]any{"plan": "pro"}); got.Value != true || got.Metadata["v"] != 1.0 {
		t.Errorf("pro gets %+v, want true and the metadata of the set", got)
	}
	if got := admin.Evaluate(st, "team", "g", nil); got.Err == nil || got.Err.Code != "FLAG_NOT_FOUND" {
		t.Errorf("a missing flag answers %+v, want FLAG_NOT_FOUND", got)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
