package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	prombridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// maxAttribute is how long an attribute of a span can be unless the environment
// says otherwise: callers choose the keys of flags that do not exist.
const maxAttribute = 256

// A collector is where telemetry is sent.
type collector struct {
	addr  string // host:port; "" is what the environment says
	creds credentials.TransportCredentials
	log   *slog.Logger
}

func newCollector(cfg Config, log *slog.Logger) (*collector, error) {
	c := &collector{addr: cfg.Collector, creds: insecure.NewCredentials(), log: log}
	c.addr = strings.TrimPrefix(c.addr, "http://")
	addr, secure := strings.CutPrefix(c.addr, "https://")
	c.addr = strings.TrimSuffix(addr, "/")
	if secure || cfg.CAFile != "" || cfg.CertFile != "" {
		creds, err := newCertificates(cfg, log)
		if err != nil {
			return nil, err
		}
		c.creds = creds
	}
	return c, nil
}

// sendTraces returns what sends spans until it is shut down or ctx is done.
func (c *collector) sendTraces(ctx context.Context, res *resource.Resource) (*sdktrace.TracerProvider, error) {
	var opts []otlptracegrpc.Option
	if c.addr != "" {
		opts = append(opts, otlptracegrpc.WithEndpoint(c.addr), otlptracegrpc.WithTLSCredentials(c.creds))
	}
	exporter, err := otlptracegrpc.New(ctx, opts...)
	if err != nil {
		return nil, err
	}
	limits := sdktrace.NewSpanLimits()
	if limits.AttributeValueLengthLimit < 0 {
		limits.AttributeValueLengthLimit = maxAttribute
	}
	settings := []sdktrace.TracerProviderOption{
		sdktrace.WithBatcher(&spanExporter{SpanExporter: exporter, sending: c.sending(ctx, "spans")}),
		sdktrace.WithResource(res),
		sdktrace.WithRawSpanLimits(limits),
	}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		settings = append(settings, sdktrace.WithSampler(sdktrace.AlwaysSample()))
	}
	return sdktrace.NewTracerProvider(settings...), nil
}

// sendMetrics returns what sends the figures of from, again and again, until it
// is shut down or ctx is done.
func (c *collector) sendMetrics(
	ctx context.Context, res *resource.Resource, from prometheus.Gatherer,
) (*sdkmetric.MeterProvider, error) {
	var opts []otlpmetricgrpc.Option
	if c.addr != "" {
		opts = append(opts, otlpmetricgrpc.WithEndpoint(c.addr), otlpmetricgrpc.WithTLSCredentials(c.creds))
	}
	exporter, err := otlpmetricgrpc.New(ctx, opts...)
	if err != nil {
		return nil, err
	}
	producer := prombridge.NewMetricProducer(prombridge.WithGatherer(from))
	return sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(res),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(
			&metricExporter{Exporter: exporter, sending: c.sending(ctx, "metrics")},
			sdkmetric.WithProducer(flagdNames{producer}),
		)),
	), nil
}

// sending notes how it goes. The library's own way to tell of errors is one for
// the whole process, and tells of each of them.
type sending struct {
	// bound returns a context that also ends when all sending ends.
	bound func(context.Context) (context.Context, context.CancelFunc)
	what  string
	addr  string
	log   *slog.Logger

	mu      sync.Mutex
	failing bool
}

func (c *collector) sending(lasting context.Context, what string) *sending {
	return &sending{
		bound: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			stop := context.AfterFunc(lasting, cancel)
			return ctx, func() { stop(); cancel() }
		},
		what: what, addr: c.addr, log: c.log,
	}
}

// try sends once, and logs the first failure and the first success after one.
func (s *sending) try(ctx context.Context, send func(context.Context) error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	err := send(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && !s.failing:
		s.log.Warn("telemetry is not taken", "addr", s.addr, "err", fmt.Errorf("send %s: %w", s.what, err))
	case err == nil && s.failing:
		s.log.Info("telemetry is taken again", "addr", s.addr)
	}
	s.failing = err != nil
}

type spanExporter struct {
	sdktrace.SpanExporter

	*sending
}

// ExportSpans sends spans. What was not taken is lost, and no error.
func (e *spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.try(ctx, func(ctx context.Context) error { return e.SpanExporter.ExportSpans(ctx, spans) })
	return nil
}

type metricExporter struct {
	sdkmetric.Exporter

	*sending
}

// Export sends figures. What was not taken comes again with the next, and is no
// error.
func (e *metricExporter) Export(ctx context.Context, figures *metricdata.ResourceMetrics) error {
	e.try(ctx, func(ctx context.Context) error { return e.Exporter.Export(ctx, figures) })
	return nil
}
