package provider_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// zoo has a flag for each way in which a flag can answer.
const zoo = `{
	"metadata": {"team": "shop", "version": "7"},
	"flags": {
		"bool":     {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"string":   {"state": "ENABLED", "variants": {"a": "x", "b": "y"}, "defaultVariant": "a",
		             "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "b", null]}},
		"float":    {"state": "ENABLED", "variants": {"third": 0.3, "two": 2}, "defaultVariant": "third"},
		"int":      {"state": "ENABLED", "variants": {"many": 42}, "defaultVariant": "many", "metadata": {"version": "8"}},
		"fraction": {"state": "ENABLED", "variants": {"some": 1.9}, "defaultVariant": "some"},
		"object":   {"state": "ENABLED", "variants": {"o": {"n": 1, "list": [1, "two", {"three": 3}]}}, "defaultVariant": "o"},
		"disabled": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"undecided": {"state": "ENABLED", "variants": {"on": true}, "targeting": {"if": [{"var": "sure"}, "on", null]}},
		"astray":   {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": "nowhere"}
	}
}`

// detailsOf evaluates flag as the type of defaultValue.
func detailsOf(ctx context.Context, client *openfeature.Client, flag string, defaultValue any, ec openfeature.EvaluationContext) (any, openfeature.ResolutionDetail) {
	switch v := defaultValue.(type) {
	case bool:
		d, _ := client.BooleanValueDetails(ctx, flag, v, ec)
		return d.Value, d.ResolutionDetail
	case string:
		d, _ := client.StringValueDetails(ctx, flag, v, ec)
		return d.Value, d.ResolutionDetail
	case float64:
		d, _ := client.FloatValueDetails(ctx, flag, v, ec)
		return d.Value, d.ResolutionDetail
	case int64:
		d, _ := client.IntValueDetails(ctx, flag, v, ec)
		return d.Value, d.ResolutionDetail
	default:
		d, _ := client.ObjectValueDetails(ctx, flag, v, ec)
		return d.Value, d.ResolutionDetail
	}
}

func TestFlagsAnswerTheSameInEachMode(t *testing.T) {
	nobody := openfeature.EvaluationContext{}
	gold := openfeature.NewEvaluationContext("ada", map[string]any{"tier": "gold", "sure": true})
	rows := []struct {
		flag         string
		defaultValue any
		ec           openfeature.EvaluationContext

		want    any
		variant string
		reason  openfeature.Reason
		code    openfeature.ErrorCode
	}{
		{"bool", false, nobody, true, "on", openfeature.StaticReason, ""},
		{"string", "d", nobody, "x", "a", openfeature.DefaultReason, ""},
		{"string", "d", gold, "y", "b", openfeature.TargetingMatchReason, ""},
		{"float", 9.9, nobody, 0.3, "third", openfeature.StaticReason, ""},
		{"float", int64(9), nobody, int64(0), "third", openfeature.StaticReason, ""},
		{"int", int64(9), nobody, int64(42), "many", openfeature.StaticReason, ""},
		{"int", 9.9, nobody, 42.0, "many", openfeature.StaticReason, ""},
		{"fraction", int64(9), nobody, int64(1), "some", openfeature.StaticReason, ""},
		{"object", nil, nobody, map[string]any{"n": 1.0, "list": []any{1.0, "two", map[string]any{"three": 3.0}}}, "o", openfeature.StaticReason, ""},
		{"undecided", false, gold, true, "on", openfeature.TargetingMatchReason, ""},

		// Here the caller's default value applies, and nothing is wrong.
		{"disabled", false, nobody, false, "", openfeature.DisabledReason, ""},
		{"disabled", "d", nobody, "d", "", openfeature.DisabledReason, ""},
		{"undecided", true, nobody, true, "", openfeature.DefaultReason, ""},

		{"missing", "d", nobody, "d", "", openfeature.ErrorReason, openfeature.FlagNotFoundCode},
		{"bool", "d", nobody, "d", "", openfeature.ErrorReason, openfeature.TypeMismatchCode},
		{"string", true, nobody, true, "", openfeature.ErrorReason, openfeature.TypeMismatchCode},
		{"string", int64(9), gold, int64(9), "", openfeature.ErrorReason, openfeature.TypeMismatchCode},
		{"object", 9.9, nobody, 9.9, "", openfeature.ErrorReason, openfeature.TypeMismatchCode},
		{"int", []any{"d"}, nobody, []any{"d"}, "", openfeature.ErrorReason, openfeature.TypeMismatchCode},
		{"astray", false, nobody, false, "", openfeature.ErrorReason, openfeature.GeneralCode},
	}
	inEachMode(t, zoo, func(t *testing.T, client *openfeature.Client) {
		for _, row := range rows {
			value, d := detailsOf(t.Context(), client, row.flag, row.defaultValue, row.ec)
			if text(value) != text(row.want) {
				t.Errorf("%s as %T = %v, want %v", row.flag, row.defaultValue, value, row.want)
			}
			if d.Variant != row.variant || d.Reason != row.reason || d.ErrorCode != row.code {
				t.Errorf("%s as %T: variant %q, reason %s, code %q; want %q, %s, %q",
					row.flag, row.defaultValue, d.Variant, d.Reason, d.ErrorCode, row.variant, row.reason, row.code)
			}
			if d.ErrorCode == "" && d.ErrorMessage != "" {
				t.Errorf("%s: there is a message %q without an error", row.flag, d.ErrorMessage)
			}
			if d.ErrorCode != "" && !strings.Contains(d.ErrorMessage, row.flag) {
				t.Errorf("%s: the message %q does not name the flag", row.flag, d.ErrorMessage)
			}
		}
	})
}

func TestMetadataOfTheSetAndOfTheFlag(t *testing.T) {
	inEachMode(t, zoo, func(t *testing.T, client *openfeature.Client) {
		for flag, want := range map[string]string{
			"bool":     `{"team":"shop","version":"7"}`,
			"int":      `{"team":"shop","version":"8"}`,
			"disabled": `{"team":"shop","version":"7"}`,
		} {
			_, d := detailsOf(t.Context(), client, flag, int64(0), openfeature.EvaluationContext{})
			if flag != "int" {
				_, d = detailsOf(t.Context(), client, flag, false, openfeature.EvaluationContext{})
			}
			if got := text(d.FlagMetadata); got != want {
				t.Errorf("metadata of %s = %s, want %s", flag, got, want)
			}
		}
	})
}

func TestObjectBelongsToWhoAskedForIt(t *testing.T) {
	inEachMode(t, zoo, func(t *testing.T, client *openfeature.Client) {
		ask := func() map[string]any {
			return client.Object(t.Context(), "object", nil, openfeature.EvaluationContext{}).(map[string]any)
		}
		mine := ask()
		mine["n"] = "changed"
		mine["list"].([]any)[2].(map[string]any)["three"] = "changed"
		if got := text(ask()); strings.Contains(got, "changed") {
			t.Errorf("the flag became %s because a caller changed its copy", got)
		}
	})
}

type tier string

type address struct {
	Country string `json:"country"`
	Zip     int    `json:"zip,omitempty"`
}

func TestContextValuesMeanTheSameInEachMode(t *testing.T) {
	rows := []struct {
		rule  string
		value any
	}{
		{`{"==": [{"var": "v"}, "2026-11-20T10:30:00Z"]}`, time.Date(2026, 11, 20, 10, 30, 0, 0, time.UTC)},
		{`{"==": [{"var": "v"}, 1500000000]}`, 1500 * time.Millisecond},
		{`{"==": [{"var": "v"}, "gold"]}`, tier("gold")},
		{`{"in": ["b", {"var": "v"}]}`, []string{"a", "b"}},
		{`{"in": ["b", {"var": "v"}]}`, []tier{"a", "b"}},
		{`{"==": [{"var": "v.k"}, "x"]}`, map[string]string{"k": "x"}},
		{`{"==": [{"var": "v.country"}, "DE"]}`, address{Country: "DE"}},
		{`{"==": [{"var": "v.country"}, "DE"]}`, &address{Country: "DE"}},
		{`{"==": [{"var": "v.0.country"}, "DE"]}`, []any{address{Country: "DE"}}},
		{`{"==": [{"var": "v"}, 0.1]}`, float32(0.1)},
		{`{"==": [{"var": "v"}, 7]}`, int(7)},
		{`{"==": [{"var": "v"}, 7]}`, uint8(7)},
		{`{"==": [{"var": "v"}, "a\ufffdb"]}`, "a\xffb"},
		{`{"==": [{"var": "v"}, null]}`, (*address)(nil)},
	}
	for _, row := range rows {
		document := `{"flags": {"f": {"state": "ENABLED", "variants": {"yes": true, "no": false}, "defaultVariant": "no",
			"targeting": {"if": [` + row.rule + `, "yes", "no"]}}}}`
		inEachMode(t, document, func(t *testing.T, client *openfeature.Client) {
			ec := openfeature.NewTargetlessEvaluationContext(map[string]any{"v": row.value})
			d, err := client.BooleanValueDetails(t.Context(), "f", false, ec)
			if err != nil || !d.Value {
				t.Errorf("%s over %#v = %v (%v), want true", row.rule, row.value, d.Value, err)
			}
		})
	}
}

func TestContextThatJSONDoesNotHaveIsInvalidForFlagsThatLookAtIt(t *testing.T) {
	const document = `{"flags": {
		"by-tier":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		             "targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on", "off"]}},
		"by-any":   {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		             "targeting": {"if": [{"missing": ["tier"]}, "on", "off"]}},
		"static":   {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"disabled": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on",
		             "targeting": {"if": [{"var": "tier"}, "on", null]}}
	}}`
	odd := make(chan int)
	good := openfeature.NewTargetlessEvaluationContext(map[string]any{"tier": "gold"})
	beside := openfeature.NewTargetlessEvaluationContext(map[string]any{"tier": "gold", "reply": odd})
	within := openfeature.NewTargetlessEvaluationContext(map[string]any{"tier": odd})
	inEachMode(t, document, func(t *testing.T, client *openfeature.Client) {
		ask := func(flag string, ec openfeature.EvaluationContext) openfeature.BooleanEvaluationDetails {
			d, _ := client.BooleanValueDetails(t.Context(), flag, true, ec)
			return d
		}
		for range 2 { // the second answer is one that is kept, where answers are
			ask("by-tier", good)
			if d := ask("by-tier", beside); d.ErrorCode != "" || d.Variant != "on" {
				t.Errorf("by-tier = %s (%s): the flag does not look at what is odd", d.Variant, d.ErrorMessage)
			}
			if d := ask("by-tier", within); d.ErrorCode != openfeature.InvalidContextCode || !strings.Contains(d.ErrorMessage, `"tier"`) {
				t.Errorf("by-tier = %s (%s: %s), want INVALID_CONTEXT naming the attribute", d.Variant, d.ErrorCode, d.ErrorMessage)
			}
			if d := ask("by-any", beside); d.ErrorCode != openfeature.InvalidContextCode || !strings.Contains(d.ErrorMessage, `"reply"`) {
				t.Errorf("by-any = %s (%s: %s), want INVALID_CONTEXT: it may look at anything", d.Variant, d.ErrorCode, d.ErrorMessage)
			}
			for _, flag := range []string{"static", "disabled"} {
				if d := ask(flag, within); d.ErrorCode != "" || !d.Value {
					t.Errorf("%s = %v (%s): the flag looks at nothing", flag, d.Value, d.ErrorMessage)
				}
			}
			if d := ask("missing", within); d.ErrorCode != openfeature.FlagNotFoundCode {
				t.Errorf("missing is answered with %s, want FLAG_NOT_FOUND", d.ErrorCode)
			}
		}
	})
}

func TestCancelledCallReturnsAtOnce(t *testing.T) {
	s := serve(t, "", greeting)
	client, err := bind(t, newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := client.String(ctx, "greeting", "default", openfeature.EvaluationContext{}); got != "default" {
		t.Errorf("greeting = %q, want the default", got)
	}
}
