package otelhook_test

import (
	"context"
	"fmt"
	"log"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/otelhook"
)

// Whoever looks at the trace of a request sees which flags it asked for.
func ExampleTraces() {
	openfeature.AddHooks(otelhook.Traces())
	defer openfeature.Shutdown() // forgets the hooks of this example

	ctx := context.Background()
	p, err := provider.New(provider.WithFile("testdata/flags.json"))
	if err != nil {
		log.Fatal(err)
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
		log.Print(err)
	}

	spans := tracetest.NewInMemoryExporter()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("shop")
	ctx, span := tracer.Start(ctx, "checkout")
	openfeature.NewDefaultClient().Boolean(ctx, "new-checkout", false, openfeature.EvaluationContext{})
	span.End()

	for _, event := range spans.GetSpans()[0].Events {
		fmt.Println(event.Name)
		for _, attribute := range event.Attributes {
			fmt.Println(" ", attribute.Key, "=", attribute.Value.String())
		}
	}
	// Output:
	// feature_flag.evaluation
	//   feature_flag.key = new-checkout
	//   feature_flag.provider.name = flagline
	//   feature_flag.result.variant = on
	//   feature_flag.result.reason = static
	//   feature_flag.set.id = shop
	//   feature_flag.version = 8
}

// The same as log records, here with who asked, by a name of your own.
func ExampleLogs() {
	var records notebook
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(&records)))

	test(func(api *openfeature.EvaluationAPI) {
		pseudonym := func(id string) string { return fmt.Sprintf("%x", id) } // use a keyed hash
		api.AddHooks(otelhook.Logs(loggers, otelhook.WithContextID(pseudonym)))

		ada := openfeature.NewEvaluationContext("ada", nil)
		api.NewClient().String(context.Background(), "greeting", "hello", ada)
	})
	fmt.Println(told(records.records[0]))
	// Output: feature_flag.evaluation INFO feature_flag.context.id=616461 feature_flag.key=greeting feature_flag.provider.name=flagline feature_flag.result.reason=default feature_flag.result.variant=short feature_flag.set.id=shop feature_flag.version=7
}

// Counts by flag and variant show a rollout, and failures before users do.
func ExampleMetrics() {
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))

	test(func(api *openfeature.EvaluationAPI) {
		hook, err := otelhook.Metrics(meters)
		if err != nil {
			log.Fatal(err)
		}
		api.AddHooks(hook)

		client := api.NewClient()
		client.Boolean(context.Background(), "new-checkout", false, openfeature.EvaluationContext{})
		client.Boolean(context.Background(), "new-chekcout", false, openfeature.EvaluationContext{})
	})
	for _, line := range collected(reader) {
		fmt.Println(line)
	}
	// Output:
	// feature_flag.evaluation_error_total error.type=flag_not_found feature_flag.key=new-chekcout feature_flag.provider.name=flagline 1
	// feature_flag.evaluation_requests_total feature_flag.key=new-checkout feature_flag.provider.name=flagline 1
	// feature_flag.evaluation_requests_total feature_flag.key=new-chekcout feature_flag.provider.name=flagline 1
	// feature_flag.evaluation_success_total feature_flag.key=new-checkout feature_flag.provider.name=flagline feature_flag.result.reason=static feature_flag.result.variant=on 1
}

// How the cache does, and whether the provider is ready, is asked for each
// time that metrics are collected.
func ExampleObserve() {
	reader := metric.NewManualReader()
	meters := metric.NewMeterProvider(metric.WithReader(reader))

	p, err := provider.New(provider.WithSidecar("localhost:8013"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := otelhook.Observe(meters, p); err != nil {
		log.Fatal(err)
	}
	if _, err := otelhook.ObserveState(meters, isolated.NewAPI().NewClient()); err != nil {
		log.Fatal(err)
	}
	for _, line := range collected(reader) {
		fmt.Println(line)
	}
	// Output:
	// flagline.provider.cache.collapsed 0
	// flagline.provider.cache.entries 0
	// flagline.provider.cache.evicted 0
	// flagline.provider.cache.hits 0
	// flagline.provider.cache.misses 0
	// flagline.provider.call.time 0
	// flagline.provider.calls 0
	// flagline.provider.state state=error 0
	// flagline.provider.state state=fatal 0
	// flagline.provider.state state=not_ready 1
	// flagline.provider.state state=ready 0
	// flagline.provider.state state=stale 0
}
