// Package telemetry sends what a sidecar measures to an OpenTelemetry
// collector: the figures that it also shows to Prometheus, and a span for each
// request to evaluate. It speaks OTLP over gRPC.
//
// Sending happens beside answering. A collector that is slow or away costs
// nothing but what it would have got: spans that do not fit into the queue are
// dropped, figures come again with the next report. Without a collector there
// is no work at all.
//
// What [Config] does not say, OpenTelemetry's environment variables do: the name
// of the service and its other attributes, the sampler, intervals, headers.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A Config says what is sent, and where to. The zero Config sends nothing.
type Config struct {
	// Exporter is how metrics leave: "otel" sends them to the collector; "" and
	// "prometheus" leave them to be fetched.
	Exporter string

	// Collector is where the collector listens, as host:port, which may stand
	// behind http:// or https://. Spans are sent to it whatever Exporter is. ""
	// is what OTEL_EXPORTER_OTLP_ENDPOINT says, if anything.
	Collector string

	// CertFile and KeyFile, PEM, are what the sidecar shows to the collector,
	// CAFile holds the authorities by which it knows the collector. With any of
	// them, or https://, the connection is encrypted.
	CertFile, KeyFile, CAFile string

	// Reload is how old what was read of these files may be when a connection
	// is made. The default is one hour.
	Reload time.Duration

	// Registry has the metrics; it is needed to send them.
	Registry prometheus.Gatherer

	// Instance and Version say which sidecar this is.
	Instance, Version string
}

const (
	defaultReload = time.Hour

	// closeTime is how long Close waits at most for what is left to be sent.
	closeTime = 5 * time.Second

	// serviceName is what the sidecar calls itself unless OTEL_SERVICE_NAME or
	// OTEL_RESOURCE_ATTRIBUTES call it something else.
	serviceName = "flagline-sidecar"
)

// A Telemetry is what sends. Its methods may be called at once from any number
// of goroutines. A nil Telemetry sends nothing.
type Telemetry struct {
	traces  *sdktrace.TracerProvider // nil: spans are not sent
	metrics *sdkmetric.MeterProvider // nil: metrics are not sent
	abandon context.CancelFunc       // ends what is being sent
	closing sync.Once
}

// Start begins to send what cfg asks for, until Close is called. It returns an
// error for settings that cannot be meant and for files that cannot be used,
// but does not wait for the collector, which may come and go.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Telemetry, error) {
	sendMetrics, sendTraces, err := cfg.wanted(log)
	if err != nil || !sendMetrics && !sendTraces {
		return &Telemetry{}, err
	}
	to, err := newCollector(cfg, log)
	if err != nil {
		return nil, err
	}
	res, err := describe(ctx, cfg)
	if err != nil {
		// What could be read is used; that is no reason not to start.
		log.Warn("telemetry resource is incomplete", "err", err)
	}

	lasting, abandon := context.WithCancel(context.WithoutCancel(ctx))
	t := &Telemetry{abandon: abandon}
	if sendTraces {
		t.traces, err = to.sendTraces(lasting, res)
	}
	if sendMetrics && err == nil {
		t.metrics, err = to.sendMetrics(lasting, res, cfg.Registry)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("send telemetry to %s: %w", to.addr, err), t.Close(ctx))
	}
	return t, nil
}

// wanted says what is to be sent, or which setting contradicts another.
func (c Config) wanted(log *slog.Logger) (metrics, traces bool, err error) {
	switch c.Exporter {
	case "", "prometheus":
	case "otel":
		metrics = true
	default:
		return false, false, fmt.Errorf(`there is no metrics exporter %q; there are "otel" and "prometheus"`, c.Exporter)
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return false, false, errors.New("the collector's certificate and its key are given together or not at all")
	}
	if disabled, _ := strconv.ParseBool(os.Getenv("OTEL_SDK_DISABLED")); disabled {
		return false, false, nil
	}
	if c.Collector != "" {
		return metrics, true, nil
	}
	if metrics && endpoint("METRICS") == "" {
		return false, false, errors.New("the metrics exporter otel needs the address of a collector")
	}
	traces = endpoint("TRACES") != "" && os.Getenv("OTEL_TRACES_EXPORTER") != "none"
	if p := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"); p != "" && p != "grpc" && (metrics || traces) {
		// Such variables are often set for all programs of a cluster at once.
		log.Warn("telemetry is not sent", "err", fmt.Errorf("the protocol %q is not spoken; there is grpc", p))
		return false, false, nil
	}
	return metrics, traces, nil
}

// endpoint returns the collector of a signal as the environment names it.
func endpoint(signal string) string {
	if own := os.Getenv("OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT"); own != "" {
		return own
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
}

// describe says what the telemetry is about. The environment has the last word.
func describe(ctx context.Context, cfg Config) (*resource.Resource, error) {
	return resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", serviceName),
			attribute.String("service.version", valid(cfg.Version)),
			attribute.String("service.instance.id", valid(cfg.Instance)),
		),
		resource.WithFromEnv(),
	)
}

// Close sends what is left, for at most five seconds and until ctx is done,
// and ends everything that Start began. Closing again does nothing.
func (t *Telemetry) Close(ctx context.Context) (err error) {
	if t == nil || t.abandon == nil {
		return nil
	}
	t.closing.Do(func() { err = t.close(ctx) })
	return err
}

func (t *Telemetry) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	defer t.abandon()
	defer context.AfterFunc(ctx, t.abandon)()

	// These wait for as long as something is being sent, and no longer, so
	// that nothing goes on behind the caller's back.
	patient := context.WithoutCancel(ctx)
	var errs []error
	if t.traces != nil {
		errs = append(errs, t.traces.Shutdown(patient))
	}
	if t.metrics != nil {
		errs = append(errs, t.metrics.Shutdown(patient))
	}
	return errors.Join(errs...)
}
