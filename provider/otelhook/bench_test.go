package otelhook_test

import (
	"context"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/flagline/flagline/provider/otelhook"
)

// What a hook adds to an evaluation, without the SDK's own share of it.
func BenchmarkHooks(b *testing.B) {
	hc := openfeature.NewHookContext("new-checkout", openfeature.Boolean, false, openfeature.NewClientMetadata("shop"),
		openfeature.Metadata{Name: "flagline"}, ada)
	d := openfeature.InterfaceEvaluationDetails{Value: true}
	d.Variant, d.Reason = "on", openfeature.StaticReason
	d.FlagMetadata = openfeature.FlagMetadata{"flagSetId": "shop", "version": "7"}

	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(discarded{}))
	m := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	metrics, err := otelhook.Metrics(m)
	if err != nil {
		b.Fatal(err)
	}
	_, span := sdktrace.NewTracerProvider().Tracer("bench").Start(b.Context(), "request")
	recorded := trace.ContextWithSpan(b.Context(), span)

	evaluate := func(ctx context.Context, hook openfeature.Hook) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = hook.Before(ctx, hc, openfeature.HookHints{})
				_ = hook.After(ctx, hc, d, openfeature.HookHints{})
				hook.Finally(ctx, hc, d, openfeature.HookHints{})
			}
		}
	}
	b.Run("traces", evaluate(recorded, otelhook.Traces()))
	b.Run("traces/not recorded", evaluate(recordless(b.Context()), otelhook.Traces()))
	b.Run("logs", evaluate(b.Context(), otelhook.Logs(lp)))
	b.Run("logs/not wanted", evaluate(b.Context(), otelhook.Logs(sdklog.NewLoggerProvider())))
	b.Run("metrics", evaluate(b.Context(), metrics))
}
