package remote

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An old server knows version 1 alone.
type oldServer struct {
	evaluationv1grpc.UnimplementedServiceServer
}

func (oldServer) ResolveBoolean(_ context.Context, q *evalv1.ResolveBooleanRequest) (*evalv1.ResolveBooleanResponse, error) {
	switch q.GetFlagKey() {
	case "off":
		return &evalv1.ResolveBooleanResponse{Reason: "DISABLED"}, nil
	case "false":
		return &evalv1.ResolveBooleanResponse{Reason: "STATIC", Variant: "no"}, nil
	}
	return nil, status.Error(codes.NotFound, "Flag not found")
}

func (oldServer) EventStream(_ *evalv1.EventStreamRequest, s evaluationv1grpc.Service_EventStreamServer) error {
	return s.Send(&evalv1.EventStreamResponse{Type: Ready})
}

func dial(t *testing.T, server *grpc.Server) *Client {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	c, err := Dial(Config{Address: l.Addr().String(), KeepAlive: time.Minute, Least: time.Second, Most: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		server.Stop()
		serving.Wait()
	})
	return c
}

func TestServerOfVersion1IsUnderstood(t *testing.T) {
	server := grpc.NewServer()
	evaluationv1grpc.RegisterServiceServer(server, oldServer{})
	c := dial(t, server)

	// Values that are zero are left out, and mean zero.
	a, err := c.Resolve(t.Context(), time.Now().Add(time.Minute), Boolean, "false", nil)
	if err != nil || a.Value != false || a.Variant != "no" || a.Reason != "STATIC" {
		t.Errorf("false is answered with %+v, %v", a, err)
	}
	// A flag that is disabled has no value.
	if a, err = c.Resolve(t.Context(), time.Now().Add(time.Minute), Boolean, "off", nil); err != nil || a.Value != nil || a.Reason != "DISABLED" {
		t.Errorf("off is answered with %+v, %v", a, err)
	}
	if _, err = c.Resolve(t.Context(), time.Now().Add(time.Minute), Boolean, "gone", nil); status.Code(err) != codes.NotFound {
		t.Errorf("gone is answered with %v", err)
	}
	var types []string
	err = c.Events(t.Context(), time.Minute, func(e Event) { types = append(types, e.Type) })
	if !errors.Is(err, ErrEnded) || len(types) != 1 || types[0] != Ready {
		t.Errorf("the event stream says %q and ends with %v", types, err)
	}
}

func TestServerThatKnowsNeitherVersionIsToldAbout(t *testing.T) {
	c := dial(t, grpc.NewServer())
	for range 2 {
		if _, err := c.Resolve(t.Context(), time.Now().Add(time.Minute), Boolean, "f", nil); status.Code(err) != codes.Unimplemented {
			t.Errorf("the answer is %v", err)
		}
	}
}
