package otelhook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/otelhook"
)

func metricsHook(t testing.TB, m meter, options ...otelhook.Option) openfeature.Hook {
	t.Helper()
	hook, err := otelhook.Metrics(m, options...)
	if err != nil {
		t.Fatal(err)
	}
	return hook
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("collected\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEvaluationsAreCounted(t *testing.T) {
	m := newMeter(t)
	client := shop(t, metricsHook(t, m)).Client()
	for range 3 {
		for _, e := range evaluations {
			e.ask(t.Context(), client)
		}
	}
	const of = " feature_flag.provider.name=flagline"
	wantLines(
		t, m.collect(t),
		"feature_flag.evaluation_requests_total feature_flag.key=new-checkout"+of+" 3",
		"feature_flag.evaluation_requests_total feature_flag.key=greeting"+of+" 9",
		"feature_flag.evaluation_requests_total feature_flag.key=limit"+of+" 3",
		"feature_flag.evaluation_requests_total feature_flag.key=gone"+of+" 3",
		"feature_flag.evaluation_success_total feature_flag.key=new-checkout"+of+" feature_flag.result.reason=static feature_flag.result.variant=on 3",
		"feature_flag.evaluation_success_total feature_flag.key=greeting"+of+
			" feature_flag.result.reason=targeting_match feature_flag.result.variant=long 3",
		"feature_flag.evaluation_success_total feature_flag.key=greeting"+of+" feature_flag.result.reason=default feature_flag.result.variant=short 3",
		"feature_flag.evaluation_success_total feature_flag.key=limit"+of+" feature_flag.result.reason=disabled 3",
		"feature_flag.evaluation_error_total error.type=flag_not_found feature_flag.key=gone"+of+" 3",
		"feature_flag.evaluation_error_total error.type=type_mismatch feature_flag.key=greeting"+of+" 3",
	)
}

func TestFailuresAreCountedByTheirCode(t *testing.T) {
	for _, code := range []openfeature.ErrorCode{
		openfeature.ProviderNotReadyCode, openfeature.ProviderFatalCode, openfeature.FlagNotFoundCode, openfeature.ParseErrorCode,
		openfeature.TypeMismatchCode, openfeature.TargetingKeyMissingCode, openfeature.InvalidContextCode, openfeature.GeneralCode,
	} {
		m := newMeter(t)
		flags := shop(t, metricsHook(t, m))
		flags.Fail("a", code)
		flags.Client().Boolean(t.Context(), "a", false, nobody)
		wantLines(
			t, m.collect(t),
			"feature_flag.evaluation_requests_total feature_flag.key=a feature_flag.provider.name=flagline 1",
			"feature_flag.evaluation_error_total error.type="+strings.ToLower(string(code))+" feature_flag.key=a feature_flag.provider.name=flagline 1",
		)
	}
}

// A late provider becomes ready when it is told to.
type late struct {
	*provider.Provider

	ready chan struct{}
}

func (p late) InitWithContext(context.Context, openfeature.EvaluationContext) error {
	<-p.ready
	return nil
}

// The SDK calls no Before hook then.
func TestEvaluationsBeforeTheProviderIsReadyAreFailures(t *testing.T) {
	m := newMeter(t)
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(t.Context()) }()
	api.AddHooks(metricsHook(t, m))
	p, err := provider.New(provider.WithFile("testdata/flags.json"), provider.WithoutEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	if err := api.SetProvider(t.Context(), &late{p, ready}); err != nil {
		t.Fatal(err)
	}
	api.NewClient().Boolean(t.Context(), "a", false, nobody)
	close(ready)
	wantLines(
		t, m.collect(t),
		"feature_flag.evaluation_requests_total feature_flag.key=a feature_flag.provider.name=flagline 1",
		"feature_flag.evaluation_error_total error.type=provider_not_ready feature_flag.key=a feature_flag.provider.name=flagline 1",
	)
}

func TestFailingHooksOfOthersAreFailures(t *testing.T) {
	for _, other := range []failing{
		{before: errors.New("secret of user 7")},
		{after: errors.New("TYPE_MISMATCH of user 7")},
	} {
		m := newMeter(t)
		flags := shop(t, metricsHook(t, m), other)
		flags.Client().Boolean(t.Context(), "new-checkout", false, nobody)
		wantLines(
			t, m.collect(t),
			"feature_flag.evaluation_requests_total feature_flag.key=new-checkout feature_flag.provider.name=flagline 1",
			"feature_flag.evaluation_error_total error.type=general feature_flag.key=new-checkout feature_flag.provider.name=flagline 1",
		)
	}
}

func TestMetricsHaveTheDimensionsThatWereAskedFor(t *testing.T) {
	m := newMeter(t)
	client := shop(t, metricsHook(
		t, m,
		otelhook.WithMetadata("team"),
		otelhook.WithAttributes(func(hc openfeature.HookContext, _ openfeature.InterfaceEvaluationDetails) []attribute.KeyValue {
			return []attribute.KeyValue{attribute.String("app.type", hc.FlagType().String())}
		}),
		otelhook.WithoutAttributes("feature_flag.provider.name"),
	)).Client()
	client.Boolean(t.Context(), "new-checkout", false, nobody)
	client.Boolean(t.Context(), "gone", false, nobody)
	wantLines(
		t, m.collect(t),
		"feature_flag.evaluation_requests_total feature_flag.key=new-checkout 1",
		"feature_flag.evaluation_requests_total feature_flag.key=gone 1",
		"feature_flag.evaluation_success_total app.type=bool feature_flag.key=new-checkout feature_flag.result.reason=static "+
			"feature_flag.result.variant=on team=payments 1",
		"feature_flag.evaluation_error_total error.type=flag_not_found feature_flag.key=gone 1",
	)
}

func TestMetricsRefuseWhatGrowsWithTheUsers(t *testing.T) {
	for _, option := range []otelhook.Option{otelhook.WithContextID(nil), otelhook.WithValue()} {
		if _, err := otelhook.Metrics(newMeter(t), option); err == nil {
			t.Error("Metrics takes an option that makes a time series for each user")
		}
	}
}

func TestNoEvaluationIsLostAmongMoreFlagsThanAreRemembered(t *testing.T) {
	const flags, callers = 2500, 4
	m := newMeter(t, sdkmetric.WithCardinalityLimit(2*flags))
	client := shop(t, metricsHook(t, m)).Client()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range flags {
				client.Boolean(t.Context(), fmt.Sprint("flag-", i), false, nobody)
			}
		})
	}
	all.Wait()
	var want []string
	for i := range flags {
		want = append(
			want,
			fmt.Sprintf("feature_flag.evaluation_requests_total feature_flag.key=flag-%d feature_flag.provider.name=flagline %d", i, callers),
			fmt.Sprintf("feature_flag.evaluation_error_total error.type=flag_not_found feature_flag.key=flag-%d feature_flag.provider.name=flagline %d", i, callers),
		)
	}
	wantLines(t, m.collect(t), want...)
}

func TestCountingDoesNotAllocate(t *testing.T) {
	hook := metricsHook(t, newMeter(t))
	hc := openfeature.NewHookContext("new-checkout", openfeature.Boolean, false, openfeature.NewClientMetadata(""),
		openfeature.Metadata{Name: "flagline"}, ada)
	d := openfeature.InterfaceEvaluationDetails{Value: true}
	d.Variant, d.Reason = "on", openfeature.StaticReason
	n := testing.AllocsPerRun(100, func() {
		_, _ = hook.Before(t.Context(), hc, openfeature.HookHints{})
		_ = hook.After(t.Context(), hc, d, openfeature.HookHints{})
		hook.Finally(t.Context(), hc, d, openfeature.HookHints{})
	})
	if n != 0 {
		t.Errorf("counting an evaluation allocates %v times", n)
	}
}
