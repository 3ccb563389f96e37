package manage

import (
	"context"
	"net/http"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"
)

// healthServices are what can be asked about by name: the sidecar as a whole,
// and each of its services. They are ready together.
var healthServices = []string{
	"",
	"flagd.evaluation.v1.Service",
	"flagd.evaluation.v2.Service",
	"flagd.sync.v1.FlagSyncService",
	"schema.v1.Service",
}

// health is grpc.health.v1.Health.
type health struct {
	grpc_health_v1.UnimplementedHealthServer

	service *Service
	closing <-chan struct{}
}

// healthHandler returns the handler of h, which speaks gRPC over HTTP/2: the
// port belongs to an HTTP server, so gRPC is served within it.
func healthHandler(h *health) http.Handler {
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, h)
	return server
}

// Check answers for the sidecar as a whole or for one of its services.
func (h *health) Check(
	_ context.Context, req *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	if !slices.Contains(healthServices, req.GetService()) {
		return nil, grpcstatus.Errorf(codes.NotFound, "there is no service %q", req.GetService())
	}
	return answer(h.current()), nil
}

// List answers for all services at once.
func (h *health) List(
	context.Context, *grpc_health_v1.HealthListRequest,
) (*grpc_health_v1.HealthListResponse, error) {
	statuses := map[string]*grpc_health_v1.HealthCheckResponse{}
	current := h.current()
	for _, name := range healthServices {
		statuses[name] = answer(current)
	}
	return &grpc_health_v1.HealthListResponse{Statuses: statuses}, nil
}

// Watch sends the status now and whenever it changes. The last one, when the
// sidecar ends, is that it does not serve.
func (h *health) Watch(
	req *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse],
) error {
	last := grpc_health_v1.HealthCheckResponse_UNKNOWN
	for {
		// Taken before the status is read, so that no change is missed.
		changed := h.service.store.Current().Superseded()
		current := h.current()
		if !slices.Contains(healthServices, req.GetService()) {
			current = grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
		}
		if current != last {
			if err := stream.Send(answer(current)); err != nil {
				return err
			}
			last = current
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return grpcstatus.FromContextError(stream.Context().Err()).Err()
		case <-h.closing:
			return h.part(stream, last)
		}
	}
}

// part tells a watcher of a service that was last in the status last that
// nothing will be served any more.
func (h *health) part(
	stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse],
	last grpc_health_v1.HealthCheckResponse_ServingStatus,
) error {
	if last == grpc_health_v1.HealthCheckResponse_SERVING {
		if err := stream.Send(answer(grpc_health_v1.HealthCheckResponse_NOT_SERVING)); err != nil {
			return err
		}
	}
	return grpcstatus.Error(codes.Unavailable, "the sidecar is ending")
}

// current returns the status of every service.
func (h *health) current() grpc_health_v1.HealthCheckResponse_ServingStatus {
	select {
	case <-h.closing:
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	default:
	}
	if !h.service.Ready() {
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return grpc_health_v1.HealthCheckResponse_SERVING
}

func answer(s grpc_health_v1.HealthCheckResponse_ServingStatus) *grpc_health_v1.HealthCheckResponse {
	return &grpc_health_v1.HealthCheckResponse{Status: s}
}
