package manage

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are the figures of requests over HTTP, by OpenTelemetry's names and
// with flagd's buckets.
type requests struct {
	active         *prometheus.GaugeVec
	duration, size *prometheus.HistogramVec
}

func newRequests() *requests {
	begun := []string{"service_name", "http_route", "http_request_method", "url_scheme"}
	ended := append([]string{"http_response_status_code"}, begun...)
	return &requests{
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "http_server_active_requests",
			Help: "Requests that are being answered.",
		}, begun),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_server_request_duration_seconds",
			Help:    "Seconds from a request's arrival to the end of its answer.",
			Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		}, ended),
		size: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "http_server_response_body_size_bytes",
			Help:    "Bytes of the bodies of answers, as sent.",
			Buckets: prometheus.ExponentialBuckets(100, 10, 8),
		}, ended),
	}
}

func (r *requests) Describe(ch chan<- *prometheus.Desc) {
	r.active.Describe(ch)
	r.duration.Describe(ch)
	r.size.Describe(ch)
}

func (r *requests) Collect(ch chan<- prometheus.Metric) {
	r.active.Collect(ch)
	r.duration.Collect(ch)
	r.size.Collect(ch)
}

// HTTP returns next, measured as service, which is secure if it is reached by
// https. route names what a request asks for
// by one of a fixed number of names, the patterns of next's routes; what has
// none is "", whatever its path. Answers are counted with the status that they
// really had; a panic before there was one counts as 500.
func (s *Service) HTTP(service string, secure bool, route func(*http.Request) string, next http.Handler) http.Handler {
	m := &measured{secure: secure, route: route, next: next}
	m.begun.create = func(b begun) prometheus.Gauge {
		return s.requests.active.WithLabelValues(service, b.route, b.method, b.scheme())
	}
	m.ended.create = func(e ended) outcome {
		labels := []string{strconv.Itoa(e.status), service, e.begun.route, e.begun.method, e.begun.scheme()}
		return outcome{
			duration: s.requests.duration.WithLabelValues(labels...),
			size:     s.requests.size.WithLabelValues(labels...),
		}
	}
	return m
}

// A measured handler counts and times the requests to the next.
type measured struct {
	secure bool
	route  func(*http.Request) string
	next   http.Handler

	begun memo[begun, prometheus.Gauge]
	ended memo[ended, outcome]
}

// begun is what is known of a request before it is answered, ended what is
// known afterwards.
type (
	begun struct {
		route, method string
		secure        bool
	}
	ended struct {
		begun  begun
		status int
	}
)

func (b begun) scheme() string {
	if b.secure {
		return "https"
	}
	return "http"
}

// An outcome takes the figures of requests that ended alike.
type outcome struct{ duration, size prometheus.Observer }

func (m *measured) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	request := begun{route: m.route(r), method: methodOf(r), secure: m.secure}
	active := m.begun.get(request)
	active.Inc()

	sent := responses.Get().(*response)
	*sent = response{ResponseWriter: w, request: r}
	panicked := true
	defer func() {
		active.Dec()
		status, size := sent.outcome(panicked)
		*sent = response{}
		responses.Put(sent)
		end := m.ended.get(ended{begun: request, status: status})
		end.duration.Observe(time.Since(started).Seconds())
		end.size.Observe(float64(size))
	}()
	m.next.ServeHTTP(sent, r)
	panicked = false
}

// methodOf returns the method of r as a label: callers may send any word.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return r.Method
	default:
		return "_OTHER"
	}
}

// responses are used again, because a handler must not touch its ResponseWriter
// once it has returned.
var responses = sync.Pool{New: func() any { return new(response) }}

// A response notes the status and the size of what passes through it.
type response struct {
	http.ResponseWriter

	request *http.Request
	status  int // 0 until the header is written
	size    int64
}

// outcome returns what the client got.
func (r *response) outcome(panicked bool) (status int, size int64) {
	switch {
	case r.status == 0 && panicked:
		return http.StatusInternalServerError, 0
	case r.status == 0:
		return http.StatusOK, 0
	case r.request.Method == http.MethodHead:
		return r.status, 0
	default:
		return r.status, r.size
	}
}

// WriteHeader notes the first status that is final.
func (r *response) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.size += int64(n)
	return n, err
}

// Flush is here for servers of gRPC, which ask for it by its interface. Errors
// show at the next Write.
func (r *response) Flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }
