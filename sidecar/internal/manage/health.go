package manage

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What grpc.health.v1 calls the two states.
const (
	serving    = 1
	notServing = 2
)

// health answers grpc.health.v1.Health/Check. The request of that protocol is
// one string and its response one number, each as field 1, and on the wire
// that is what the well-known wrappers are: this spares the sidecar the whole
// of grpc-go, which the generated messages come with.
func (s *Service) health() (path string, handler http.Handler) {
	const procedure = "/grpc.health.v1.Health/Check"
	return procedure, connect.NewUnaryHandler(procedure, s.check)
}

// check answers for the sidecar as a whole and for each evaluation service,
// which are ready together.
func (s *Service) check(
	_ context.Context, req *connect.Request[wrapperspb.StringValue],
) (*connect.Response[wrapperspb.Int32Value], error) {
	switch service := req.Msg.GetValue(); service {
	case "", "flagd.evaluation.v1.Service", "flagd.evaluation.v2.Service":
	default:
		return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("there is no service %q", service))
	}
	if !s.Ready() {
		return connect.NewResponse(wrapperspb.Int32(notServing)), nil
	}
	return connect.NewResponse(wrapperspb.Int32(serving)), nil
}
