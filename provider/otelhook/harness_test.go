package otelhook_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/flagtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	nobody openfeature.EvaluationContext
	ada    = openfeature.NewEvaluationContext("ada", map[string]any{"email": "ada@example.com"})
)

// shop returns flags of each kind, of the set "shop", version 7.
func shop(t flagtest.TB, hooks ...openfeature.Hook) *flagtest.Flags {
	t.Helper()
	flags := flagtest.New(t)
	flags.Load("testdata/flags.json")
	flags.API().AddHooks(hooks...)
	return flags
}

// traced runs f in a span and returns the events that the span has then.
func traced(t testing.TB, f func(ctx context.Context)) []sdktrace.Event {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	ctx, span := tp.Tracer("test").Start(t.Context(), "request")
	f(ctx)
	span.End()
	spans := exporter.GetSpans()
	if err := tp.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(spans) != 1 {
		t.Fatalf("there are %d spans, want 1", len(spans))
	}
	return spans[0].Events
}

// written is attrs in the order of their keys.
func written(attrs []attribute.KeyValue) string {
	all := make([]string, 0, len(attrs))
	for _, kv := range attrs {
		all = append(all, fmt.Sprintf("%s=%s", kv.Key, kv.Value.String()))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A notebook keeps log records.
type notebook struct {
	mu      sync.Mutex
	records []sdklog.Record
}

func (n *notebook) Export(_ context.Context, records []sdklog.Record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range records {
		n.records = append(n.records, r.Clone())
	}
	return nil
}

func (n *notebook) Shutdown(context.Context) error { return nil }

func (n *notebook) ForceFlush(context.Context) error { return nil }

// told writes down a record.
func told(r sdklog.Record) string {
	var attrs []attribute.KeyValue
	r.WalkAttributes(func(kv attribute.KeyValue) bool { attrs = append(attrs, kv); return true })
	return fmt.Sprintf("%s %s %s", r.EventName(), r.Severity(), written(attrs))
}

// A meter collects metrics when it is asked.
type meter struct {
	*sdkmetric.MeterProvider

	reader *sdkmetric.ManualReader
}

func newMeter(t testing.TB, options ...sdkmetric.Option) meter {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	m := meter{sdkmetric.NewMeterProvider(append(options, sdkmetric.WithReader(reader))...), reader}
	t.Cleanup(func() {
		if err := m.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m meter) collect(t testing.TB) []string {
	t.Helper()
	return collected(m.reader)
}

// collected returns each data point as a line: name, attributes, value.
func collected(reader *sdkmetric.ManualReader) []string {
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, s := range all.ScopeMetrics {
		for _, metric := range s.Metrics {
			lines = append(lines, points(metric)...)
		}
	}
	slices.Sort(lines)
	return lines
}

func points(m metricdata.Metrics) (lines []string) {
	line := func(attrs attribute.Set, value any) {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprint(m.Name, " ", written(attrs.ToSlice()), " ", value)), " "))
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			line(p.Attributes, p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			line(p.Attributes, p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			line(p.Attributes, p.Value)
		}
	}
	return lines
}

// recordless is a span that nobody records.
func recordless(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1},
	}))
}

// test runs f with an API that has the flags of testdata/flags.json.
func test(f func(api *openfeature.EvaluationAPI)) {
	ctx := context.Background()
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	p, err := provider.New(provider.WithFile("testdata/flags.json"))
	if err != nil {
		panic(err)
	}
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		panic(err)
	}
	f(api)
}

// discarded log records go nowhere.
type discarded struct{}

func (discarded) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (discarded) OnEmit(context.Context, *sdklog.Record) error { return nil }

func (discarded) Shutdown(context.Context) error { return nil }

func (discarded) ForceFlush(context.Context) error { return nil }
