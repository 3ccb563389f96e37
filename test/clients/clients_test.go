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

// A kind is one way in which other people's providers get their answers.
type kind struct {
	name string

	provider func(t *testing.T, s *sidecar) openfeature.FeatureProvider

	// hears says that the provider tells of changes.
	hears bool

	// away is what it says of the flag "color" while there is no sidecar; "" if
	// that depends on the moment.
	away string

	// caches says that it keeps answers over a shutdown that it is told of, until
	// it hears that the flag has changed.
	caches bool

	// wants says that it takes an answer without a value for a mistake.
	wants bool
}

func kinds() []kind {
	return []kind{
		{name: "flagd rpc", provider: overRPC, hears: true, caches: true},
		{name: "flagd rpc without a cache", provider: withoutCache, away: "none"},
		{name: "flagd in-process", provider: inProcess, hears: true, away: "red"},
		{name: "ofrep", provider: overOFREP, away: "none", wants: true},
	}
}

func overRPC(t *testing.T, s *sidecar) openfeature.FeatureProvider {
	return flagdProvider(t, flagd.WithRPCResolver(), flagd.WithPort(portNumber(t, s.Evaluation)))
}

func withoutCache(t *testing.T, s *sidecar) openfeature.FeatureProvider {
	return flagdProvider(t, flagd.WithRPCResolver(), flagd.WithPort(portNumber(t, s.Evaluation)), flagd.WithoutCache())
}

func inProcess(t *testing.T, s *sidecar) openfeature.FeatureProvider {
	return flagdProvider(t, flagd.WithInProcessResolver(), flagd.WithPort(portNumber(t, s.Sync)))
}

func overOFREP(_ *testing.T, s *sidecar) openfeature.FeatureProvider {
	return ofrep.NewProvider("http://" + s.OFREP)
}

func flagdProvider(t *testing.T, options ...flagd.ProviderOption) openfeature.FeatureProvider {
	t.Helper()
	provider, err := flagd.NewProvider(append(options,
		flagd.WithHost("127.0.0.1"), flagd.WithDeadline(5000))...)
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

func TestOfficialProvidersGetFlagdsAnswers(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) { checkAnswers(t, k, client(t, k.provider(t, launch(t)))) })
	}
}

// An answer is what of an evaluation both providers agree on.
type answer struct {
	value   any
	variant string
	reason  openfeature.Reason
	code    openfeature.ErrorCode
}

func answerOf[T any](d openfeature.GenericEvaluationDetails[T], _ error) answer {
	if d.ErrorCode != "" {
		d.Variant = "" // which some tell nevertheless
	}
	return answer{d.Value, d.Variant, d.Reason, d.ErrorCode}
}

func checkAnswers(t *testing.T, k kind, c *openfeature.Client) {
	ctx := t.Context()
	nobody := openfeature.EvaluationContext{}
	friend := openfeature.NewEvaluationContext("user-7", map[string]any{"email": "a@example.com"})
	unanswered := answer{true, "", "DEFAULT", ""}
	if k.wants {
		unanswered = answer{true, "", "ERROR", "TYPE_MISMATCH"}
	}
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
		{"no default, match", answerOf(c.BooleanValueDetails(ctx, "open", false, friend)), answer{true, "yes", "TARGETING_MATCH", ""}},
		{"no default", answerOf(c.BooleanValueDetails(ctx, "open", true, nobody)), unanswered},
		{"disabled", answerOf(c.BooleanValueDetails(ctx, "off", false, nobody)), answer{false, "", "DISABLED", ""}},
	}
	for _, test := range tests {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s answers %+v, want %+v", test.name, test.got, test.want)
		}
	}
}

func TestOfficialProvidersSeeAChange(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			s := launch(t)
			c := client(t, k.provider(t, s))
			changed := make(chan []string, 10)
			heard := func(details openfeature.EventDetails) { changed <- details.FlagChanges }
			c.AddHandler(openfeature.ProviderConfigChange, &heard)
			if got := color(t.Context(), c); got != "red" {
				t.Fatalf("color is %s, want red", got)
			}
			s.write(t, "blue")
			if k.hears {
				eventually(t, "the provider tells of the change of color", func() bool {
					select {
					case keys := <-changed:
						return slices.Contains(keys, "color")
					default:
						return false
					}
				})
			}
			eventually(t, "color is blue", func() bool { return color(t.Context(), c) == "blue" })
		})
	}
}

func TestOfficialProvidersSurviveARestart(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			s := launch(t)
			c := client(t, k.provider(t, s))
			if got := color(t.Context(), c); got != "red" {
				t.Fatalf("color is %s, want red", got)
			}
			s.stop(t)
			if got := color(t.Context(), c); k.away != "" && got != k.away {
				t.Errorf("without a sidecar, color is %s, want %s", got, k.away)
			}
			s.write(t, "blue")
			s.restart(t)
			last := "blue"
			eventually(t, "color is blue", func() bool {
				if k.caches {
					last = map[string]string{"blue": "red", "red": "blue"}[last]
					s.write(t, last)
				}
				return color(t.Context(), c) == "blue"
			})
		})
	}
}

func color(ctx context.Context, c *openfeature.Client) string {
	return c.String(ctx, "color", "none", openfeature.EvaluationContext{})
}
