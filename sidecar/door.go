package sidecar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/cors"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
)

// A door is one port and what answers there.
type door struct {
	name     string
	listener net.Listener
	server   *http.Server
}

// doors are all ports of a sidecar.
type doors struct{ evaluation, management, ofrep *door }

func (d doors) all() []*door { return []*door{d.evaluation, d.management, d.ofrep} }

func (d doors) addresses() Addresses {
	return Addresses{
		Evaluation: d.evaluation.listener.Addr().String(),
		Management: d.management.listener.Addr().String(),
		OFREP:      d.ofrep.listener.Addr().String(),
	}
}

// answers are what the doors lead to.
type answers struct{ evaluation, management, ofrep http.Handler }

// handlers puts the services together. Event streams end when ctx is done.
func handlers(
	ctx context.Context, cfg Config, st *store.Store, watch *manage.Service, rules enrich.Rules,
) answers {
	rpc := &evalrpc.Service{
		Store: st, Rules: rules, Observe: watch.Observe,
		Closing: ctx.Done(), KeepAlive: keepAlive, MaxBody: cfg.MaxRequestBody,
	}
	rest := &ofrep.Service{Store: st, Rules: rules, Observe: watch.Observe, MaxBody: cfg.MaxRequestBody}
	return answers{
		evaluation: cors.Handler(cfg.CORSOrigins, rpc.Handler()),
		management: watch.Handler(),
		ofrep:      cors.Handler(cfg.CORSOrigins, rest.Handler()),
	}
}

// open listens at all addresses, or at none if one is taken.
func open(ctx context.Context, cfg Config, lead answers) (d doors, err error) {
	for _, want := range []struct {
		door          **door
		name, address string
		handler       http.Handler
		http2         bool
	}{
		{&d.evaluation, "evaluation", cfg.Evaluation, lead.evaluation, true},
		{&d.management, "management", cfg.Management, lead.management, true},
		{&d.ofrep, "ofrep", cfg.OFREP, lead.ofrep, false},
	} {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", want.address)
		if err != nil {
			return doors{}, errors.Join(fmt.Errorf("listen for %s: %w", want.name, err), d.close())
		}
		*want.door = &door{
			name:     want.name,
			listener: listener,
			server:   newServer(want.handler, want.http2, cfg.Logger),
		}
	}
	return d, nil
}

// close closes what is open of doors that were never served.
func (d doors) close() error {
	var errs []error
	for _, door := range d.all() {
		if door != nil {
			errs = append(errs, door.listener.Close())
		}
	}
	return errors.Join(errs...)
}

// newServer returns a server without TLS. With http2, gRPC clients are
// understood beside others on the same port. There is no limit on how long an
// answer takes, because event streams have no end.
func newServer(handler http.Handler, http2 bool, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
