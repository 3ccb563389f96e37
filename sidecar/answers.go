package sidecar

import (
	"context"
	"crypto/rand"
	"net/http"

	"connectrpc.com/connect"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/cors"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/syncrpc"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// A house is what all services of a sidecar share.
type house struct {
	cfg     *Config
	store   *store.Store
	counts  *tally.Tally
	manage  *manage.Service
	sent    *telemetry.Telemetry // nil if nothing is sent
	rules   enrich.Rules
	closing <-chan struct{}
}

// evaluation leads to flagd's evaluation services.
func (h *house) evaluation() answer {
	s := &evalrpc.Service{
		Store: h.store, Rules: h.rules, Counts: h.counts, Tracer: h.sent.Tracer,
		Closing: h.closing, KeepAlive: eventKeepAlive, StreamDeadline: h.cfg.StreamDeadline,
		Streams: h.manage.EventStream, Mark: rand.Text(),
	}
	return h.procedures("flagd.evaluation", h.cfg.Evaluation, s.Procedures(), nil)
}

// sync leads to the flags themselves.
func (h *house) sync() answer {
	s := syncrpc.New(h.store, h.counts)
	s.Context, s.NoMetadata = h.cfg.Context, h.cfg.DisableSyncMetadata
	s.Closing, s.StreamDeadline = h.closing, h.cfg.StreamDeadline
	s.Streams = h.manage.SyncStream
	if h.cfg.DisableSyncHTTP {
		return h.procedures("flagd.sync", h.cfg.Sync, s.Procedures(), nil)
	}
	return h.procedures("flagd.sync", h.cfg.Sync, s.Procedures(), s)
}

// procedures leads to procedures in all their protocols and to other, unless it
// is nil, at /v1/flags.
func (h *house) procedures(service string, where Door, procedures rpc.Procedures, other http.Handler) answer {
	w := newWatch(h.manage, procedures)
	mux := http.NewServeMux()
	procedures.Handle(mux,
		connect.WithReadMaxBytes(h.cfg.MaxRequestBody), rpc.WithGzip(h.cfg.MaxRequestBody), connect.WithInterceptors(w))
	if other != nil {
		mux.Handle(documentPath, other)
	}
	return answer{
		handler: mux, outside: h.outside(service, where, w.route),
		procedures: procedures, watch: w, open: nobody, denied: deniedRPC,
	}
}

// ofrep leads to the OpenFeature Remote Evaluation Protocol.
func (h *house) ofrep() answer {
	s := ofrep.New(h.store, h.counts)
	s.Rules, s.MaxBody, s.Tracer = h.rules, h.cfg.MaxRequestBody, h.sent.Tracer("flagd.ofrep.v1")
	if !h.cfg.DisableSSE {
		// A page cannot name a token when it listens to events, and would try
		// again and again.
		s.Hidden = h.cfg.OFREP.TokenFile != ""
		s.Events = &ofrep.Events{
			Origin: h.cfg.SSEPublicURL, Inactivity: h.cfg.SSEInactivity, KeepAlive: sseKeepAlive,
			Closing: h.closing, Streams: func() func() { return h.manage.EventStream("ofrep") },
		}
	}
	return answer{
		handler: s.Handler(), outside: h.outside("flagd.ofrep", h.cfg.OFREP, ofrep.Route),
		open: nobody, denied: deniedOFREP,
	}
}

// management leads to what operators and orchestrators ask.
func (h *house) management(ctx context.Context) answer {
	return answer{
		handler: h.manage.Handler(ctx.Done()), open: isProbe, denied: denied,
		outside: func(next http.Handler) http.Handler { return next },
	}
}

// documentPath is where the flags are to be had over plain HTTP.
const documentPath = "/v1/flags"

// outside measures what comes through a door, and lets web pages ask: before
// anybody is asked for a token, which a page's first request does not have.
func (h *house) outside(
	service string, where Door, route func(*http.Request) string,
) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return cors.Handler(h.cfg.CORSOrigins, h.manage.HTTP(service, where.CertFile != "", route, next))
	}
}
