package evalrpc_test

import (
	"strings"
	"testing"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
)

// dial connects as other people's gRPC clients do, with grpc-go itself.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(strings.TrimPrefix(address, "http://"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestPlainGRPCClientIsAnswered(t *testing.T) {
	st, sink := flagtest.Store(t, flagtest.Document)
	conn := dial(t, serve(t, &evalrpc.Service{Store: st}))
	v1, v2 := evaluationv1grpc.NewServiceClient(conn), evaluationv2grpc.NewServiceClient(conn)
	ctx := streamContext(t)

	first, err := v1.ResolveInt(ctx, &evalv1.ResolveIntRequest{FlagKey: "int"})
	if err != nil || first.GetValue() != 1 {
		t.Errorf("v1 answers %v, %v, want 1", first, err)
	}
	second, err := v2.ResolveString(ctx, &evalv2.ResolveStringRequest{FlagKey: "text"})
	if err != nil || second.GetValue() != "hello" {
		t.Errorf("v2 answers %v, %v, want hello", second, err)
	}
	_, err = v1.ResolveBoolean(ctx, &evalv1.ResolveBooleanRequest{FlagKey: "gone"})
	if got := status.Convert(err); got.Code() != codes.NotFound || got.Message() != "Flag not found" {
		t.Errorf("a flag that is not there: %v, want not found", got)
	}

	stream, err := v1.EventStream(ctx, &evalv1.EventStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"provider_ready", "configuration_change"} {
		message, err := stream.Recv()
		if err != nil || message.GetType() != want {
			t.Fatalf("the stream says %v, %v, want %s", message, err, want)
		}
		flagtest.Deliver(t, sink, 2, one)
	}
}
