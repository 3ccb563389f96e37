package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	// Requests over gRPC may be compressed with it, as over Connect.
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/tap"

	"github.com/flagline/flagline/sidecar/internal/gate"
	"github.com/flagline/flagline/sidecar/internal/patience"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/split"
)

const (
	// drainTime is how long requests that are being answered may take once the
	// sidecar is told to end.
	drainTime = 10 * time.Second

	// A caller has headerTime to say what it wants and bodyTime for the rest of a
	// request, and readTime to take each piece of an answer.
	headerTime = 5 * time.Second
	bodyTime   = 10 * time.Second
	readTime   = 30 * time.Second

	// idleTime is how long a connection may be silent between requests.
	idleTime = 5 * time.Minute

	// maxStreams is how many calls one connection may have under way.
	maxStreams = 250

	// Who does not answer a ping is taken for gone after deadAfter.
	pingAfter = time.Minute
	deadAfter = 20 * time.Second
)

// A door is one address and what answers there: an HTTP server and, where there
// are procedures to call, one for gRPC alone.
type door struct {
	name  string
	gate  *gate.Gate
	web   *http.Server
	split *split.Splitter // nil if there is nothing but the HTTP server
	rpc   *grpc.Server    // idem
}

// An answer is what a door leads to.
type answer struct {
	handler    http.Handler                    // for everything but gRPC proper
	outside    func(http.Handler) http.Handler // what happens to all requests, also those that are denied
	procedures rpc.Procedures                  // over gRPC
	watch      *watch                          // of the calls of procedures
	open       func(*http.Request) bool
	denied     func(http.ResponseWriter, *http.Request)
}

// openDoor listens.
func openDoor(ctx context.Context, cfg *Config, name string, where Door, a answer) (*door, error) {
	g, err := gate.Open(ctx, name, gate.Config(where), cfg.Logger)
	if err != nil {
		return nil, err
	}
	d := &door{name: name, gate: g}
	handler := a.outside(g.Handler(a.open, a.denied, a.handler))
	if a.procedures == nil {
		d.web = newWebServer(cfg, patience.Handler(0, readTime, handler))
		d.web.ReadTimeout = bodyTime
	} else {
		d.web = newWebServer(cfg, patience.Handler(bodyTime, readTime, handler))
	}
	if a.procedures != nil {
		d.split = split.New(g.Listener(), headerTime, idleTime)
		d.rpc = newRPCServer(cfg, g, a.watch)
		a.procedures.Register(d.rpc)
	}
	return d, nil
}

// newWebServer returns a server that understands HTTP/1.1 and HTTP/2, also in
// the clear. There is no limit on how long an answer takes, because streams have
// no end.
func newWebServer(cfg *Config, handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    cfg.MaxRequestHeader,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
}

func newRPCServer(cfg *Config, g *gate.Gate, w *watch) *grpc.Server {
	longest := cfg.MaxRequestBody
	if longest == 0 {
		longest = math.MaxInt
	}
	options := patience.ServerOptions(bodyTime, readTime, func(_ context.Context, info *tap.Info) error {
		return guard(g, info.Header)
	})
	return grpc.NewServer(append(options,
		grpc.ForceServerCodecV2(rpc.Codec()),
		grpc.MaxRecvMsgSize(longest),
		grpc.MaxHeaderListSize(uint32(min(int64(cfg.MaxRequestHeader), math.MaxUint32))), //nolint:gosec // not negative
		grpc.MaxConcurrentStreams(maxStreams),
		// Calls are so short that to grow the stack of a goroutine for each would
		// be a tenth of their cost. Streams may hold all workers: calls are then
		// served as if there were none.
		grpc.NumStreamWorkers(uint32(4*runtime.GOMAXPROCS(0))), //nolint:gosec // positive
		grpc.ReadBufferSize(4<<10),                             // most connections are streams that are silent nearly always
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: cfg.KeepAliveMinTime, PermitWithoutStream: !cfg.KeepAliveForbidWithoutStream,
		}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: deadAfter}),
		grpc.ChainUnaryInterceptor(w.unary),
		grpc.ChainStreamInterceptor(w.stream),
	)...)
}

// serve answers until the door is drained.
func (d *door) serve(g *errgroup.Group) {
	if d.split == nil {
		g.Go(func() error { return d.over(d.web.Serve(d.gate.Listener())) })
		return
	}
	g.Go(func() error { return d.over(d.split.Serve()) })
	g.Go(func() error { return d.over(d.web.Serve(d.split.HTTP())) })
	g.Go(func() error { return d.over(d.rpc.Serve(d.split.GRPC())) })
}

// over turns what a server says at its end into what it means.
func (d *door) over(err error) error {
	if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", d.name, err)
}

// close closes a door that was never served.
func (d *door) close() error {
	if d.rpc != nil {
		d.rpc.Stop()
	}
	return d.gate.Close()
}

// drain lets requests end, and ends what is left when their time is over. That
// somebody did not hang up in time is no reason for the sidecar to fail.
func (d *door) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	var servers sync.WaitGroup
	var errs [3]error
	if d.split != nil {
		errs[0] = d.split.Close()
		servers.Go(func() {
			defer context.AfterFunc(ctx, d.rpc.Stop)()
			d.rpc.GracefulStop()
		})
	}
	servers.Go(func() {
		errs[1] = d.web.Shutdown(ctx)
		if errors.Is(errs[1], context.DeadlineExceeded) {
			errs[1] = d.web.Close()
		}
	})
	servers.Wait()
	errs[2] = d.gate.Close()
	if err := errors.Join(errs[:]...); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close %s: %w", d.name, err)
	}
	return nil
}
