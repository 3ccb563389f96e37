package manage_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/manage"
)

func TestCallsAreCountedByProtocolAndCode(t *testing.T) {
	s := watch(store.New())
	rpc := s.RPC("flagd.evaluation.v2.Service", "ResolveBoolean")
	rpc.Done(manage.GRPC, codes.OK, time.Now())
	rpc.Done(manage.GRPC, codes.NotFound, time.Now())
	rpc.Done(manage.GRPC, codes.Code(99), time.Now())
	rpc.Done(manage.GRPCWeb, codes.OK, time.Now())
	rpc.Done(manage.Connect, codes.OK, time.Now())
	rpc.Done(manage.Connect, codes.InvalidArgument, time.Now().Add(-time.Hour))

	const method = `rpc_method="ResolveBoolean",rpc_service="flagd.evaluation.v2.Service"`
	expect(t, s,
		`rpc_server_duration_milliseconds_count{rpc_grpc_status_code="0",`+method+`,rpc_system="grpc"} 1`,
		`rpc_server_duration_milliseconds_count{rpc_grpc_status_code="5",`+method+`,rpc_system="grpc"} 1`,
		`rpc_server_duration_milliseconds_count{rpc_grpc_status_code="2",`+method+`,rpc_system="grpc"} 1`,
		`rpc_server_duration_milliseconds_count{rpc_grpc_web_status_code="0",`+method+`,rpc_system="grpc_web"} 1`,
		`rpc_server_duration_milliseconds_count{rpc_connect_rpc_error_code="",`+method+`,rpc_system="connect_rpc"} 1`,
		`rpc_server_duration_milliseconds_bucket{rpc_connect_rpc_error_code="invalid_argument",`+method+
			`,rpc_system="connect_rpc",le="10000"} 0`,
	)
}

func TestMeasuringCallsDoesNotAllocate(t *testing.T) {
	rpc, started := watch(store.New()).RPC("flagd.evaluation.v2.Service", "ResolveBoolean"), time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		rpc.Done(manage.GRPC, codes.OK, started)
		rpc.Done(manage.Connect, codes.NotFound, started)
	}); n != 0 {
		t.Errorf("measuring calls allocates %v times, want 0", n)
	}
}

func BenchmarkMeasuredCall(b *testing.B) {
	rpc := watch(store.New()).RPC("flagd.evaluation.v2.Service", "ResolveBoolean")
	b.ReportAllocs()
	for b.Loop() {
		rpc.Done(manage.GRPC, codes.OK, time.Now())
	}
}
