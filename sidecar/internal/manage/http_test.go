package manage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/manage"
)

// door is a handler that answers as its path says.
func door(s *manage.Service) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("/flags/{key}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("key") {
		case "missing":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		case "panic":
			panic(http.ErrAbortHandler)
		case "stream":
			w.(http.Flusher).Flush()
		case "silent":
		default:
			_, _ = io.WriteString(w, "0123456789")
		}
	})
	return s.HTTP("ofrep", false, func(r *http.Request) string {
		_, pattern := routes.Handler(r)
		return pattern
	}, routes)
}

func TestRequestsAreCountedWithTheirTrueStatus(t *testing.T) {
	s := watch(store.New())
	server := httptest.NewServer(door(s))
	defer server.Close()
	for _, path := range []string{"/flags/a", "/flags/b", "/flags/missing", "/flags/stream", "/flags/silent", "/made/up"} {
		get(t, server.URL+path)
	}
	if resp, err := server.Client().Get(server.URL + "/flags/panic"); err == nil {
		_ = resp.Body.Close()
		t.Error("a handler that panics answered")
	}
	// Counting ends after the answer, and the server waits for it.
	server.Close()

	const get = `http_request_method="GET",http_response_status_code=`
	const ofrep = `,service_name="ofrep",url_scheme="http"}`
	expect(t, s,
		`http_server_request_duration_seconds_count{`+get+`"200",http_route="/flags/{key}"`+ofrep+" 4",
		`http_server_request_duration_seconds_count{`+get+`"404",http_route="/flags/{key}"`+ofrep+" 1",
		`http_server_request_duration_seconds_count{`+get+`"500",http_route="/flags/{key}"`+ofrep+" 1",
		`http_server_request_duration_seconds_count{`+get+`"404",http_route=""`+ofrep+" 1",
		`http_server_request_duration_seconds_bucket{`+get+`"404",http_route=""`+
			`,service_name="ofrep",url_scheme="http",le="0.075"} `,
		`http_server_response_body_size_bytes_sum{`+get+`"200",http_route="/flags/{key}"`+ofrep+" 20",
		`http_server_active_requests{http_request_method="GET",http_route="/flags/{key}"`+ofrep+" 0",
	)
}

func TestMethodsThatCallersMakeUpAreOne(t *testing.T) {
	s := watch(store.New())
	handler := door(s)
	for _, method := range []string{"BREW", "PROPFIND", "POST"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/flags/a", nil))
	}
	scrape := expect(t, s,
		`http_server_request_duration_seconds_count{http_request_method="_OTHER",`+
			`http_response_status_code="200",http_route="/flags/{key}",service_name="ofrep",url_scheme="http"} 2`)
	if strings.Contains(scrape, "BREW") {
		t.Error("a method that a caller made up became a label")
	}
}

func TestRequestIsActiveUntilItIsAnswered(t *testing.T) {
	s := watch(store.New())
	const line = `http_server_active_requests{http_request_method="GET",http_route="/",service_name="ofrep",url_scheme="http"} `
	entered, leave := make(chan bool), make(chan bool)
	handler := s.HTTP("ofrep", false, func(*http.Request) string { return "/" },
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(entered)
			<-leave
		}))
	var asker sync.WaitGroup
	asker.Go(func() { handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)) })
	<-entered
	expect(t, s, line+"1")
	close(leave)
	asker.Wait()
	expect(t, s, line+"0")
}

func TestBodyOfAHeadRequestIsNotCounted(t *testing.T) {
	s := watch(store.New())
	door(s).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodHead, "/flags/a", nil))
	expect(t, s, `http_server_response_body_size_bytes_sum{http_request_method="HEAD",`+
		`http_response_status_code="200",http_route="/flags/{key}",service_name="ofrep",url_scheme="http"} 0`)
}

func TestCallsOverGRPCPassThroughAMeasuredDoor(t *testing.T) {
	st, _ := flagtest.Store(t, `{"flags":{}}`)
	s := watch(st)
	closing := make(chan struct{})
	measured := s.HTTP("management", false, func(r *http.Request) string { return r.URL.Path }, s.Handler(closing))
	var answering sync.WaitGroup
	client := healthAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answering.Add(1)
		defer answering.Done()
		measured.ServeHTTP(w, r)
	}), false)
	if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	next := watching(t, client, "")
	if got, err := next(); err != nil || got != serving {
		t.Fatalf("%v, %v, want SERVING while the stream is open", got, err)
	}
	close(closing)
	if got, err := next(); err != nil || got != notServing {
		t.Fatalf("%v, %v, want NOT_SERVING", got, err)
	}
	answering.Wait() // clients have their answers before these are counted
	expect(t, s, `http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",`+
		`http_route="/grpc.health.v1.Health/Check",service_name="management",url_scheme="http"} 1`)
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// quick is a measured handler that does next to nothing, and a request to it.
func quick(s *manage.Service) (http.Handler, http.ResponseWriter, *http.Request) {
	body := []byte("ok")
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	return s.HTTP("ofrep", false, func(*http.Request) string { return "/" }, next),
		nowhere{http.Header{}}, httptest.NewRequest(http.MethodPost, "/", nil)
}

func TestMeasuringRequestsDoesNotAllocate(t *testing.T) {
	handler, w, r := quick(watch(store.New()))
	if n := testing.AllocsPerRun(1000, func() { handler.ServeHTTP(w, r) }); n != 0 {
		t.Errorf("a measured request allocates %v times, want 0", n)
	}
}

func BenchmarkMeasuredRequest(b *testing.B) {
	handler, w, r := quick(watch(store.New()))
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
}
