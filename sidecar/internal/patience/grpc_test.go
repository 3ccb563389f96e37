package patience_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/flagline/flagline/sidecar/internal/patience"
)

// talker is a service with a stream that has no end.
type talker struct {
	healthpb.UnimplementedHealthServer

	ended chan error
}

func (s *talker) Watch(_ *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	var err error
	for err == nil {
		err = stream.Send(&healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING})
	}
	s.ended <- err
	return err
}

func serveGRPC(t *testing.T, service healthpb.HealthServer, allowed func(context.Context, *tap.Info) error) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(patience.ServerOptions(50*time.Millisecond, 50*time.Millisecond, allowed)...)
	healthpb.RegisterHealthServer(server, service)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is stopped
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return listener.Addr().String()
}

func everybody(context.Context, *tap.Info) error { return nil }

// begin makes a call, frame by frame, and sends the first bytes of its request, or
// all of it.
func begin(t *testing.T, address, method string, first []byte, all bool) *http2.Framer {
	t.Helper()
	conn := connect(t, address)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	header := "\x83\x86\x44" + string(rune(len(method))) + method + "\x41\x01a" +
		"\x5f\x10application/grpc" + "\x40\x02te\x08trailers"
	for _, err := range []error{
		framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(header), EndHeaders: true}),
		framer.WriteData(1, all, first),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return framer
}

func TestACallWhoseRequestNeverArrivesIsEnded(t *testing.T) {
	address := serveGRPC(t, health.NewServer(), everybody)
	for _, method := range []string{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"} {
		framer := begin(t, address, method, []byte{0, 0, 0, 0, 100, 1, 2, 3}, false)
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Fatalf("%s: the connection ended: %v", method, err)
			}
			_, reset := frame.(*http2.RSTStreamFrame)
			headers, ended := frame.(*http2.HeadersFrame)
			if reset || ended && headers.StreamEnded() {
				break
			}
		}
	}
}

func TestWhoDoesNotTakeAMessageOfAStreamIsHungUpOn(t *testing.T) {
	service := &talker{ended: make(chan error, 1)}
	framer := begin(t, serveGRPC(t, service, everybody), "/grpc.health.v1.Health/Watch", []byte{0, 0, 0, 0, 0}, true)
	if err := <-service.ended; err == nil {
		t.Error("a stream that nobody reads had an end")
	}
	for { // what was on its way, and then the end of the connection, not of a deadline
		if _, err := framer.ReadFrame(); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
			return
		}
	}
}

// A stream may be silent for as long as it likes, and so may calls last.
func TestWhoIsHeardAndReadsIsNotHurried(t *testing.T) {
	server := health.NewServer()
	address := serveGRPC(t, server, everybody)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, new(healthpb.HealthCheckRequest))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	silence := time.NewTimer(200 * time.Millisecond) // longer than either patience
	<-silence.C
	server.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	if got, err := stream.Recv(); err != nil || got.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("after a silence the stream says %v, %v", got, err)
	}
}

func TestNothingIsReadOfWhoIsNotAllowed(t *testing.T) {
	address := serveGRPC(t, health.NewServer(), func(_ context.Context, info *tap.Info) error {
		return status.Error(codes.Unauthenticated, info.FullMethodName)
	})
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = healthpb.NewHealthClient(conn).Check(t.Context(), new(healthpb.HealthCheckRequest))
	if got := status.Convert(err); got.Code() != codes.Unauthenticated || got.Message() != "/grpc.health.v1.Health/Check" {
		t.Errorf("the call is answered with %v, want unauthenticated", err)
	}
}
