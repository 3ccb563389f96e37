package telemetry_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// start sends as cfg says until the test ends. What is sent is sent at the end
// or when the intervals that the test set are over.
func start(t *testing.T, cfg telemetry.Config, log *slog.Logger) *telemetry.Telemetry {
	t.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if cfg.Registry == nil {
		cfg.Registry = prometheus.NewRegistry()
	}
	tel, err := telemetry.Start(t.Context(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(t, tel) })
	return tel
}

func end(t *testing.T, tel *telemetry.Telemetry) {
	t.Helper()
	if err := tel.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestSpanSaysHowAFlagWasResolved(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=staging")
	to := receive(t, "", nil)
	tel := start(t, telemetry.Config{Collector: to.addr, Instance: "shop-1", Version: "v1.2.3"}, nil)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

	_, span := tel.Tracer("flagd.evaluation.v2").Start(t.Context(), "resolveBoolean",
		http.Header{"Traceparent": {parent}})
	span.Answer("new-checkout", evaluator.Resolution{
		Variant: "on", Reason: evaluator.ReasonTargetingMatch, Value: true,
		Metadata: map[string]any{"flagSetId": "shop", "version": "7"},
	})
	span.End()
	end(t, tel)

	got := take(t, to.spans)
	resource := texts(got.GetResource().GetAttributes())
	for name, want := range map[string]string{
		"service.name":           "flagline-sidecar",
		"service.version":        "v1.2.3",
		"service.instance.id":    "shop-1",
		"deployment.environment": "staging",
	} {
		if resource[name] != want {
			t.Errorf("the resource's %s is %q, want %q", name, resource[name], want)
		}
	}
	scope := got.GetScopeSpans()[0]
	if scope.GetScope().GetName() != "flagd.evaluation.v2" {
		t.Errorf("the tracer is %q", scope.GetScope().GetName())
	}
	sent := scope.GetSpans()[0]
	if sent.GetName() != "resolveBoolean" || sent.GetKind() != trace.Span_SPAN_KIND_SERVER {
		t.Errorf("the span is %s %q", sent.GetKind(), sent.GetName())
	}
	if string(sent.GetParentSpanId()) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
		t.Errorf("the parent is %x, want what the caller said", sent.GetParentSpanId())
	}
	want := map[string]string{
		"feature_flag.key":            "new-checkout",
		"feature_flag.provider.name":  "flagd",
		"feature_flag.result.variant": "on",
		"feature_flag.result.reason":  "targeting_match",
		"feature_flag.set.id":         "shop",
		"feature_flag.version":        "7",
	}
	if attributes := texts(sent.GetAttributes()); !maps.Equal(attributes, want) {
		t.Errorf("the attributes are %v, want %v", attributes, want)
	}
}

func TestSpanOfAFailureSaysWhy(t *testing.T) {
	to := receive(t, "", nil)
	tel := start(t, telemetry.Config{Collector: "http://" + to.addr}, nil)
	// gRPC writes the names of its metadata in lower case.
	_, span := tel.Tracer("flagd.ofrep.v1").Start(t.Context(), "evaluate",
		metadata.Pairs("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"))
	span.Failure(strings.Repeat("x", 10_000)+"\xff", evaluator.CodeFlagNotFound)
	span.End()
	end(t, tel)

	sent := take(t, to.spans).GetScopeSpans()[0].GetSpans()[0]
	attributes := texts(sent.GetAttributes())
	if attributes["error.type"] != "flag_not_found" || attributes["feature_flag.result.reason"] != "error" {
		t.Errorf("the attributes are %v, want flag_not_found and error", attributes)
	}
	if n := len(attributes["feature_flag.key"]); n != 256 {
		t.Errorf("a key that a caller made up is sent with %d bytes, want 256", n)
	}
	if sent.GetStatus().GetCode() != trace.Status_STATUS_CODE_ERROR {
		t.Errorf("the status is %v, want an error", sent.GetStatus())
	}
	if len(sent.GetParentSpanId()) == 0 {
		t.Error("the span has no parent")
	}
}

func TestKeyThatIsNotTextDoesNotCostTheOtherSpans(t *testing.T) {
	to := receive(t, "", nil)
	tel := start(t, telemetry.Config{Collector: to.addr}, nil)
	tracer := tel.Tracer("flagd.ofrep.v1")
	for _, key := range []string{"good", "\xff"} {
		_, span := tracer.Start(t.Context(), "evaluate", nil)
		span.Answer(key, evaluator.Resolution{Variant: key, Reason: evaluator.ReasonStatic, Metadata: map[string]any{"flagSetId": key}})
		span.End()
		_, span = tracer.Start(t.Context(), "evaluate", nil)
		span.Failure(key, evaluator.CodeFlagNotFound)
		span.End()
	}
	end(t, tel)
	if n := len(take(t, to.spans).GetScopeSpans()[0].GetSpans()); n != 4 {
		t.Errorf("%d spans were received, want 4", n)
	}
}

func TestEnvironmentDecidesWhatIsSampled(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	to := receive(t, "", nil)
	tel := start(t, telemetry.Config{Collector: to.addr}, nil)
	_, span := tel.Tracer("flagd.ofrep.v1").Start(t.Context(), "evaluate", nil)
	span.End()
	end(t, tel)
	if len(to.spans) != 0 {
		t.Error("a span was sent although the sampler takes none")
	}
}

func TestMetricsAreSentByFlagdsNames(t *testing.T) {
	counts := tally.New()
	watch := manage.New(store.New(), counts, manage.Identity{Instance: "shop-1"}, time.Minute)
	counts.Counter("new-checkout", "on", evaluator.ReasonStatic).Single()
	closed := watch.SyncStream("shop", "")
	closed(manage.NormalClose)
	to := receive(t, "", nil)
	tel := start(t, telemetry.Config{Exporter: "otel", Collector: to.addr, Registry: watch.Gatherer()}, nil)
	end(t, tel)

	got := map[string]*metrics.Metric{}
	for _, scope := range take(t, to.metrics).GetScopeMetrics() {
		for _, figure := range scope.GetMetrics() {
			if got[figure.GetName()] != nil {
				t.Errorf("%s is sent twice", figure.GetName())
			}
			got[figure.GetName()] = figure
		}
	}
	impressions := got["feature_flag.flagd.impression"].GetSum().GetDataPoints()
	if len(impressions) != 1 || impressions[0].GetAsDouble() != 1 {
		t.Fatalf("the impressions are %v, want one", impressions)
	}
	want := map[string]string{
		"feature_flag.key":            "new-checkout",
		"feature_flag.reason":         "STATIC",
		"feature_flag.result.variant": "on",
		"feature_flag.provider.name":  "flagd",
	}
	if labels := texts(impressions[0].GetAttributes()); !maps.Equal(labels, want) {
		t.Errorf("the labels are %v, want %v", labels, want)
	}
	streams := got["feature_flag.flagd.sync.active_streams"].GetGauge().GetDataPoints()
	if len(streams) != 1 || !maps.Equal(texts(streams[0].GetAttributes()), map[string]string{"provider_id": "shop"}) {
		t.Errorf("the streams are %v, want one, without the selector that it lacks", streams)
	}
	if d := got["feature_flag.flagd.sync.stream.duration"]; d.GetUnit() != "s" || len(d.GetHistogram().GetDataPoints()) != 1 {
		t.Errorf("the duration of streams is %v, want one histogram in seconds", d)
	}
	if got["go_goroutines"] == nil || got["flagline_generation"] == nil || got["target_info"] != nil {
		t.Error("of what is not flagd's there must be everything but target_info")
	}
}

// oneFigure returns a registry that has something to send.
func oneFigure() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "flagline_generation"}))
	return registry
}

func TestMetricsStayUnlessTheExporterSendsThem(t *testing.T) {
	to := receive(t, "", nil)
	end(t, start(t, telemetry.Config{Collector: to.addr, Registry: oneFigure()}, nil))
	if len(to.metrics) != 0 {
		t.Error("metrics were sent although they are to be fetched")
	}
}

func TestEnvironmentNamesTheCollectorToo(t *testing.T) {
	to := receive(t, "", nil)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+to.addr)
	tel := start(t, telemetry.Config{Exporter: "otel", Registry: oneFigure()}, nil)
	_, span := tel.Tracer("flagd.ofrep.v1").Start(t.Context(), "evaluate", nil)
	span.End()
	end(t, tel)
	take(t, to.spans)
	take(t, to.metrics)
}

func TestProgramsThatSendOverHTTPDoNotStopTheSidecar(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	log := &lines{}
	tel := start(t, telemetry.Config{}, slog.New(slog.NewTextHandler(log, nil)))
	if tel.Tracer("flagd.ofrep.v1") != nil {
		t.Error("spans are sent in a protocol that the collector does not speak")
	}
	log.await(t, "telemetry is not sent", 1)
}

func TestSettingsThatCannotBeMeantAreErrors(t *testing.T) {
	for want, cfg := range map[string]telemetry.Config{
		`there is no metrics exporter "otlp"`:         {Exporter: "otlp"},
		"needs the address of a collector":            {Exporter: "otel"},
		"given together or not at all":                {Collector: "h:1", CertFile: "cert.pem"},
		"read the certificate for the collector: ":    {Collector: "h:1", CertFile: "gone.pem", KeyFile: "gone.pem"},
		"read the authorities of the collector: open": {Collector: "h:1", CAFile: "gone.pem"},
	} {
		_, err := telemetry.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start(%+v) is %v, want %s", cfg, err, want)
		}
	}
}

func TestNoCollectorIsNoWork(t *testing.T) {
	for name, cfg := range map[string]telemetry.Config{
		"nothing set":    {},
		"prometheus":     {Exporter: "prometheus"},
		"a nil registry": {Registry: nil},
	} {
		tel, err := telemetry.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answer := evaluator.Resolution{Variant: "on", Reason: evaluator.ReasonStatic}
		header := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
		tracer, ctx := tel.Tracer("flagd.ofrep.v1"), t.Context()
		if n := testing.AllocsPerRun(100, func() {
			_, span := tracer.Start(ctx, "evaluate", header)
			span.Answer("new-checkout", answer)
			span.Failure("gone", evaluator.CodeFlagNotFound)
			span.End()
		}); n != 0 {
			t.Errorf("%s: a span that is not sent allocates %v times", name, n)
		}
		if err := tel.Close(t.Context()); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

// What a request pays for its span.
func BenchmarkSpan(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	header := http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	answer := evaluator.Resolution{
		Variant: "on", Reason: evaluator.ReasonStatic, Metadata: map[string]any{"flagSetId": "shop"},
	}
	for name, cfg := range map[string]telemetry.Config{"off": {}, "on": {Collector: "127.0.0.1:1"}} {
		b.Run(name, func(b *testing.B) {
			tel, err := telemetry.Start(b.Context(), cfg, log)
			if err != nil {
				b.Fatal(err)
			}
			tracer, ctx := tel.Tracer("flagd.ofrep.v1"), b.Context()
			b.ReportAllocs()
			for b.Loop() {
				_, span := tracer.Start(ctx, "evaluate", header)
				span.Answer("new-checkout", answer)
				span.End()
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_ = tel.Close(ended)
		})
	}
}
