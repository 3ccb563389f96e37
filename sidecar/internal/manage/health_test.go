package manage_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/manage"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

const (
	serving    = grpc_health_v1.HealthCheckResponse_SERVING
	notServing = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	unknown    = grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
)

// healthOf connects grpc-go's client to the management port of s, in clear
// text or with TLS.
func healthOf(t *testing.T, s *manage.Service, secure bool, closing <-chan struct{}) grpc_health_v1.HealthClient {
	t.Helper()
	return healthAt(t, s.Handler(closing), secure)
}

func healthAt(t *testing.T, handler http.Handler, secure bool) grpc_health_v1.HealthClient {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	creds := insecure.NewCredentials()
	if secure {
		server.EnableHTTP2 = true
		server.StartTLS()
		trusted := x509.NewCertPool()
		trusted.AddCert(server.Certificate())
		creds = credentials.NewTLS(&tls.Config{RootCAs: trusted, ServerName: "example.com", MinVersion: tls.VersionTLS13})
	} else {
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(true)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	}
	t.Cleanup(server.Close)
	conn, err := grpc.NewClient(server.Listener.Addr().String(), grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

func TestGRPCHealthFollowsReadiness(t *testing.T) {
	for name, secure := range map[string]bool{"in clear text": false, "with TLS": true} {
		t.Run(name, func(t *testing.T) {
			st := store.New()
			sink := st.Add("flags.json")
			client := healthOf(t, watch(st), secure, t.Context().Done())
			check := func(service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
				answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
				return answer.GetStatus(), err
			}
			if got, err := check(""); err != nil || got != notServing {
				t.Errorf("before flags: %v, %v, want NOT_SERVING", got, err)
			}
			flagtest.Deliver(t, sink, 1, `{"flags":{}}`)
			for _, service := range []string{
				"", "flagd.evaluation.v1.Service", "flagd.evaluation.v2.Service",
				"flagd.sync.v1.FlagSyncService", "schema.v1.Service",
			} {
				if got, err := check(service); err != nil || got != serving {
					t.Errorf("%q with flags: %v, %v, want SERVING", service, got, err)
				}
			}
			if _, err := check("unknown.Service"); status.Code(err) != codes.NotFound {
				t.Errorf("unknown service: %v, want not found", err)
			}
		})
	}
}

func TestGRPCHealthListsAllServices(t *testing.T) {
	st, _ := flagtest.Store(t, `{"flags":{}}`)
	list, err := healthOf(t, watch(st), false, t.Context().Done()).
		List(t.Context(), &grpc_health_v1.HealthListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.GetStatuses()) != 5 || list.GetStatuses()[""].GetStatus() != serving {
		t.Errorf("the list is %v, want five services that serve", list)
	}
}

// watching starts to watch service, and returns what waits for the next status.
func watching(
	t *testing.T, client grpc_health_v1.HealthClient, service string,
) func() (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return func() (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
		answer, err := stream.Recv()
		return answer.GetStatus(), err
	}
}

func TestGRPCHealthWatcherSeesEachChangeAndTheEnd(t *testing.T) {
	for name, secure := range map[string]bool{"in clear text": false, "with TLS": true} {
		t.Run(name, func(t *testing.T) {
			st := store.New()
			first, second := st.Add("first.json"), st.Add("second.json")
			closing := make(chan struct{})
			next := watching(t, healthOf(t, watch(st), secure, closing), "flagd.evaluation.v1.Service")

			if got, err := next(); err != nil || got != notServing {
				t.Fatalf("at first: %v, %v, want NOT_SERVING", got, err)
			}
			flagtest.Deliver(t, first, 1, `{"flags":{}}`) // changes nothing yet
			flagtest.Deliver(t, second, 1, `{"flags":{}}`)
			if got, err := next(); err != nil || got != serving {
				t.Fatalf("with flags: %v, %v, want SERVING", got, err)
			}
			flagtest.Deliver(t, second, 2, `{"flags":{}}`)
			close(closing)
			if got, err := next(); err != nil || got != notServing {
				t.Fatalf("at the end: %v, %v, want NOT_SERVING", got, err)
			}
			if _, err := next(); status.Code(err) != codes.Unavailable {
				t.Errorf("after the end: %v, want unavailable", err)
			}
		})
	}
}

func TestGRPCHealthWatcherOfAnUnknownServiceIsToldSo(t *testing.T) {
	st, _ := flagtest.Store(t, `{"flags":{}}`)
	closing := make(chan struct{})
	next := watching(t, healthOf(t, watch(st), false, closing), "unknown.Service")
	if got, err := next(); err != nil || got != unknown {
		t.Fatalf("at first: %v, %v, want SERVICE_UNKNOWN", got, err)
	}
	close(closing)
	if _, err := next(); status.Code(err) != codes.Unavailable {
		t.Errorf("after the end: %v, want unavailable", err)
	}
}

func TestHealthOfGRPCIsForGRPCAlone(t *testing.T) {
	address := serve(t, watch(store.New()))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		address+"/grpc.health.v1.Health/Check", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 == 2 || resp.StatusCode/100 == 5 && resp.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("a call that is not gRPC got %d", resp.StatusCode)
	}
}
