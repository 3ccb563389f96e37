package manage

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// A Protocol is how a procedure was called, as OpenTelemetry names it.
type Protocol string

// The protocols of the sidecar's services.
const (
	GRPC    Protocol = "grpc"
	GRPCWeb Protocol = "grpc_web"
	Connect Protocol = "connect_rpc"
)

// calls are the figures of remote procedure calls, by the names and in the
// units that flagd's instrumentation gives them: milliseconds.
type calls struct {
	prometheus.Collector

	duration map[Protocol]*prometheus.HistogramVec
}

func newCalls() *calls {
	c := &calls{
		duration: map[Protocol]*prometheus.HistogramVec{},
	}
	var all unchecked
	for protocol, code := range map[Protocol]string{
		GRPC:    "rpc_grpc_status_code",
		GRPCWeb: "rpc_grpc_web_status_code",
		Connect: "rpc_connect_rpc_error_code",
	} {
		vec := callHistogram("rpc_server_duration_milliseconds", "Milliseconds from a call to its end.",
			prometheus.Labels{"rpc_system": string(protocol)}, code)
		c.duration[protocol] = vec
		all = append(all, vec)
	}
	c.Collector = all
	return c
}

// callHistogram returns a histogram by service, method and label, with the
// buckets that OpenTelemetry uses where nobody says otherwise.
func callHistogram(name, help string, same prometheus.Labels, label string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, ConstLabels: same,
		Buckets: []float64{0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000},
	}, []string{"rpc_service", "rpc_method", label})
}

// An RPC measures the calls of one procedure. Its methods may be called at once
// from any number of goroutines and, but for the first of a kind, allocate
// nothing.
type RPC struct {
	duration memo[call, prometheus.Observer]
}

// A call is how a procedure was called and how that ended.
type call struct {
	protocol Protocol
	code     codes.Code
}

// RPC returns what measures the calls of one procedure, for example
// "flagd.evaluation.v2.Service" and "ResolveBoolean". Names that callers made
// up must not come here.
func (s *Service) RPC(service, method string) *RPC {
	r := &RPC{}
	r.duration.create = func(c call) prometheus.Observer {
		return s.calls.duration[c.protocol].WithLabelValues(service, method, c.label())
	}
	return r
}

// Done notes that a call, which began at started, ended with code; Connect's codes
// are those of gRPC. A protocol that is unknown is taken for gRPC. Unary calls and
// streams are timed alike.
func (r *RPC) Done(protocol Protocol, code codes.Code, started time.Time) {
	if protocol != Connect && protocol != GRPCWeb {
		protocol = GRPC
	}
	if code > codes.Unauthenticated {
		code = codes.Unknown // as clients read codes that gRPC does not have
	}
	r.duration.get(call{protocol, code}).Observe(float64(time.Since(started)) / float64(time.Millisecond))
}

// label is the code as conventions want it: a number over gRPC, a word over
// Connect, where success has none.
func (c call) label() string {
	switch {
	case c.protocol != Connect:
		return strconv.Itoa(int(c.code))
	case c.code == codes.OK:
		return ""
	default:
		return snake(c.code.String())
	}
}

// snake turns "NotFound" into "not_found".
func snake(words string) string {
	var out []byte
	for i := range len(words) {
		c := words[i]
		if 'A' <= c && c <= 'Z' {
			if i > 0 {
				out = append(out, '_')
			}
			c += 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}
