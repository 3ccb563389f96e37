package clients_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	flagd "github.com/open-feature/go-sdk-contrib/providers/flagd/pkg"
	"github.com/open-feature/go-sdk-contrib/providers/ofrep"
	"github.com/open-feature/go-sdk/openfeature"
)

// client connects an OpenFeature client of its own to a provider.
func client(t *testing.T, provider openfeature.FeatureProvider) *openfeature.Client {
	t.Helper()
	if err := openfeature.SetNamedProviderAndWait(t.Name(), provider); err != nil {
		t.Fatalf("set the provider: %v", err)
	}
	t.Cleanup(func() { _ = openfeature.SetNamedProviderAndWait(t.Name(), openfeature.NoopProvider{}) })
	return openfeature.NewClient(t.Name())
}

func flagdProvider(t *testing.T, s *sidecar, options ...flagd.ProviderOption) openfeature.FeatureProvider {
	t.Helper()
	provider, err := flagd.NewProvider(append([]flagd.ProviderOption{
		flagd.WithRPCResolver(), flagd.WithHost("127.0.0.1"), flagd.WithPort(portNumber(t, s.Evaluation)),
		flagd.WithDeadline(5000),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

func ofrepProvider(s *sidecar) openfeature.FeatureProvider {
	return ofrep.NewProvider("http://" + s.OFREP)
}

func TestOfficialFlagdProviderGetsFlagdsAnswers(t *testing.T) {
	checkAnswers(t, client(t, flagdProvider(t, launch(t))))
}

func TestOfficialOFREPProviderGetsFlagdsAnswers(t *testing.T) {
	checkAnswers(t, client(t, ofrepProvider(launch(t))))
}

// An answer is what of an evaluation both providers agree on.
type answer struct {
	value   any
	variant string
	reason  openfeature.Reason
	code    openfeature.ErrorCode
}

func answerOf[T any](d openfeature.GenericEvaluationDetails[T], _ error) answer {
	return answer{d.Value, d.Variant, d.Reason, d.ErrorCode}
}

func checkAnswers(t *testing.T, c *openfeature.Client) {
	ctx := t.Context()
	nobody := openfeature.EvaluationContext{}
	friend := openfeature.NewEvaluationContext("user-7", map[string]any{"email": "a@example.com"})
	tests := []struct {
		name string
		got  answer
		want answer
	}{
		{"boolean", answerOf(c.BooleanValueDetails(ctx, "bool", false, nobody)), answer{true, "on", "STATIC", ""}},
		{"string", answerOf(c.StringValueDetails(ctx, "color", "none", nobody)), answer{"red", "red", "STATIC", ""}},
		{"float", answerOf(c.FloatValueDetails(ctx, "float", 0, nobody)), answer{0.5, "half", "STATIC", ""}},
		{"int", answerOf(c.IntValueDetails(ctx, "int", 0, nobody)), answer{int64(42), "many", "STATIC", ""}},
		{
			"object", answerOf(c.ObjectValueDetails(ctx, "object", nil, nobody)),
			answer{map[string]any{"a": 1.0, "b": []any{"x"}}, "o", "STATIC", ""},
		},
		{"match", answerOf(c.BooleanValueDetails(ctx, "rule", false, friend)), answer{true, "yes", "TARGETING_MATCH", ""}},
		{"no match", answerOf(c.BooleanValueDetails(ctx, "rule", true, nobody)), answer{false, "no", "DEFAULT", ""}},
		{"missing", answerOf(c.BooleanValueDetails(ctx, "gone", true, nobody)), answer{true, "", "ERROR", "FLAG_NOT_FOUND"}},
		{"wrong type", answerOf(c.StringValueDetails(ctx, "bool", "mine", nobody)), answer{"mine", "", "ERROR", "TYPE_MISMATCH"}},
		{"disabled", answerOf(c.BooleanValueDetails(ctx, "off", false, nobody)), answer{false, "", "DISABLED", ""}},
	}
	for _, test := range tests {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s answers %+v, want %+v", test.name, test.got, test.want)
		}
	}
}

func TestOfficialFlagdProviderHearsOfAChange(t *testing.T) {
	s := launch(t)
	c := client(t, flagdProvider(t, s))
	changed := make(chan []string, 10)
	heard := func(details openfeature.EventDetails) { changed <- details.FlagChanges }
	c.AddHandler(openfeature.ProviderConfigChange, &heard)
	if got := color(t.Context(), c); got != "red" {
		t.Fatalf("color is %s, want red", got)
	}

	s.write(t, "blue")

	eventually(t, "the provider tells of the change of color", func() bool {
		select {
		case keys := <-changed:
			return slices.Contains(keys, "color")
		default:
			return false
		}
	})
	if got := color(t.Context(), c); got != "blue" {
		t.Errorf("after the event, color is %s, want blue", got)
	}
}

func TestOfficialOFREPProviderSeesAChange(t *testing.T) {
	s := launch(t)
	c := client(t, ofrepProvider(s))
	if got := color(t.Context(), c); got != "red" {
		t.Fatalf("color is %s, want red", got)
	}
	s.write(t, "blue")
	eventually(t, "color is blue", func() bool { return color(t.Context(), c) == "blue" })
}

func TestOfficialFlagdProviderSurvivesARestart(t *testing.T) {
	s := launch(t)
	checkRestart(t, s, client(t, flagdProvider(t, s, flagd.WithoutCache())))
}

func TestOfficialOFREPProviderSurvivesARestart(t *testing.T) {
	s := launch(t)
	checkRestart(t, s, client(t, ofrepProvider(s)))
}

func checkRestart(t *testing.T, s *sidecar, c *openfeature.Client) {
	t.Helper()
	if got := color(t.Context(), c); got != "red" {
		t.Fatalf("color is %s, want red", got)
	}
	s.stop(t)
	if got := color(t.Context(), c); got != "none" {
		t.Errorf("without a sidecar, color is %s, want the caller's default", got)
	}
	s.write(t, "blue")
	s.restart(t)
	eventually(t, "color is blue", func() bool { return color(t.Context(), c) == "blue" })
}

func color(ctx context.Context, c *openfeature.Client) string {
	return c.String(ctx, "color", "none", openfeature.EvaluationContext{})
}
