package telemetry_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// lines is a log that a test reads while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until the log says words for the time that times counts.
func (l *lines) await(t *testing.T, words string, times int) {
	t.Helper()
	deadline, again := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for strings.Count(l.String(), words) < times {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("the log lacks %q:\n%s", words, l)
		}
	}
}

// keepAsking makes spans, and takes those that arrive, until it is stopped.
func keepAsking(tel *telemetry.Telemetry, to *receiver) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var asker sync.WaitGroup
	asker.Go(func() {
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		tracer := tel.Tracer("flagd.ofrep.v1")
		for {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
				_, span := tracer.Start(ctx, "evaluate", nil)
				span.End()
			case <-to.spans:
			}
		}
	})
	return func() {
		cancel()
		asker.Wait()
	}
}

func TestCollectorThatIsAwayHurtsNobodyAndIsFoundAgain(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "100")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	// A port that nobody listens on, but which can be had later.
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	log := &lines{}
	tel := start(t, telemetry.Config{Collector: addr}, slog.New(slog.NewTextHandler(log, nil)))

	tracer := tel.Tracer("flagd.ofrep.v1")
	for range 10_000 { // more than the queue takes
		_, span := tracer.Start(t.Context(), "evaluate", nil)
		span.End()
	}
	log.await(t, "telemetry is not taken", 1)

	to := receive(t, addr, nil)
	stop := keepAsking(tel, to)
	defer stop()
	log.await(t, "telemetry is taken again", 1)
	if n := strings.Count(log.String(), "not taken"); n != 1 {
		t.Errorf("the log says %d times that nothing is taken, want once:\n%s", n, log)
	}
}

func TestCloseDoesNotWaitForACollectorThatIsSilent(t *testing.T) {
	for _, patience := range []string{
		"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_METRIC_EXPORT_TIMEOUT",
	} {
		t.Setenv(patience, "3600000")
	}
	// One that takes connections and never answers.
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	tel, err := telemetry.Start(t.Context(), telemetry.Config{
		Exporter: "otel", Collector: listener.Addr().String(), Registry: prometheus.NewRegistry(),
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, span := tel.Tracer("flagd.ofrep.v1").Start(t.Context(), "evaluate", nil)
	span.End()

	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- tel.Close(ctx) }()
	cancel()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close waits for a collector that is silent")
	}
}
