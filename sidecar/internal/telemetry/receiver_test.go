package telemetry_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// A receiver is an OTLP collector that keeps what it gets until a test takes it.
type receiver struct {
	addr    string
	spans   chan *trace.ResourceSpans
	metrics chan *metrics.ResourceMetrics
	stop    func() // drops all connections
}

type (
	traceService struct {
		coltrace.UnimplementedTraceServiceServer
		*receiver
	}
	metricsService struct {
		colmetrics.UnimplementedMetricsServiceServer
		*receiver
	}
)

func (s traceService) Export(
	ctx context.Context, req *coltrace.ExportTraceServiceRequest,
) (*coltrace.ExportTraceServiceResponse, error) {
	for _, spans := range req.GetResourceSpans() {
		select {
		case s.spans <- spans:
		case <-ctx.Done():
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

func (s metricsService) Export(
	ctx context.Context, req *colmetrics.ExportMetricsServiceRequest,
) (*colmetrics.ExportMetricsServiceResponse, error) {
	for _, figures := range req.GetResourceMetrics() {
		select {
		case s.metrics <- figures:
		case <-ctx.Done():
		}
	}
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

// receive runs a receiver on addr, or a free port if that is "", until the test
// ends.
func receive(t *testing.T, addr string, creds credentials.TransportCredentials) *receiver {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	r := &receiver{
		addr:    listener.Addr().String(),
		spans:   make(chan *trace.ResourceSpans, 100),
		metrics: make(chan *metrics.ResourceMetrics, 100),
	}
	server := grpc.NewServer(grpc.Creds(creds))
	coltrace.RegisterTraceServiceServer(server, traceService{receiver: r})
	colmetrics.RegisterMetricsServiceServer(server, metricsService{receiver: r})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	r.stop = sync.OnceFunc(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Errorf("the receiver ended with %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

// take returns the next of what a receiver got.
func take[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("nothing was received")
		return *new(T)
	}
}

// texts returns attributes that are text by their names.
func texts(attributes []*common.KeyValue) map[string]string {
	found := map[string]string{}
	for _, kv := range attributes {
		found[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return found
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
