// Package sidecar serves feature flags to the service beside it, in flagd's
// protocols, from memory.
//
// [Run] follows the sources of flags that its [Config] names and answers from
// the newest good state of each. Once it has flags it goes on answering,
// whatever happens to the sources.
package sidecar

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/sidecar/internal/telemetry"
	"github.com/flagline/flagline/source"
)

// Run serves flags until ctx is done, then drains for at most 10 seconds and
// returns nil. Streams are told and ended. An error means that the sidecar could
// not start, or could not go on. All goroutines that Run started have ended when
// it returns, but for requests over HTTP that took longer than to drain.
func Run(ctx context.Context, cfg Config) (err error) {
	cfg, err = cfg.complete()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h := newHouse(&cfg)
	h.sent, err = telemetry.Start(ctx, telemetry.Config{
		Exporter: cfg.MetricsExporter, Collector: cfg.CollectorURI,
		CertFile: cfg.CollectorCertFile, KeyFile: cfg.CollectorKeyFile, CAFile: cfg.CollectorCAFile,
		Reload: cfg.CollectorReload, Registry: h.manage.Gatherer(),
		Instance: cfg.Instance, Version: cfg.Version,
	}, cfg.Logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.sent.Close(context.WithoutCancel(ctx))) }()

	g, ctx := errgroup.WithContext(ctx)
	h.closing = ctx.Done()
	doors, err := openDoors(ctx, h)
	if err != nil {
		return err
	}
	for _, src := range cfg.Sources {
		sink := &observed{Sink: h.store.Add(src.Name()), watch: h.manage, origin: manage.Shown(src.Name()), log: cfg.Logger}
		g.Go(func() error {
			defer sink.end()
			return follow(ctx, src, sink)
		})
	}
	for _, d := range doors {
		d.serve(g) //nolint:contextcheck // drain ends it
		g.Go(func() error {
			<-ctx.Done()
			return d.drain(ctx)
		})
	}
	if cfg.Ready != nil {
		cfg.Ready(Addresses{
			Evaluation: doors[0].gate.Address(), Management: doors[1].gate.Address(),
			Sync: doors[2].gate.Address(), OFREP: doors[3].gate.Address(),
		})
	}
	return g.Wait()
}

func newHouse(cfg *Config) *house {
	st, counts := store.New(), tally.New()
	return &house{
		cfg: cfg, store: st, counts: counts,
		manage: manage.New(st, counts, manage.Identity{
			Instance: cfg.Instance, Environment: cfg.Environment, Version: cfg.Version,
		}, cfg.StaleAfter),
		rules: enrich.Rules{Static: cfg.Context, Headers: cfg.Headers},
	}
}

// openDoors opens all doors, or none if one cannot be.
func openDoors(ctx context.Context, h *house) (doors [4]*door, err error) {
	for i, want := range []struct {
		name  string
		where Door
		leads answer
	}{
		{"evaluation", h.cfg.Evaluation, h.evaluation()}, //nolint:contextcheck // a call has its own
		{"management", h.cfg.Management, h.management(ctx)},
		{"sync", h.cfg.Sync, h.sync()}, //nolint:contextcheck // idem
		{"ofrep", h.cfg.OFREP, h.ofrep()},
	} {
		doors[i], err = openDoor(ctx, h.cfg, want.name, want.where, want.leads)
		if err != nil {
			for _, opened := range doors[:i] {
				err = errors.Join(err, opened.close())
			}
			return doors, err
		}
	}
	return doors, nil
}

func follow(ctx context.Context, src source.Source, sink source.Sink) error {
	if err := src.Watch(ctx, sink); err != nil {
		return fmt.Errorf("watch %s: %w", manage.Shown(src.Name()), err)
	}
	return nil
}
