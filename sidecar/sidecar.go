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
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/source"
)

// drainTime is how long requests that are being answered may take once the
// sidecar is told to end.
const drainTime = 10 * time.Second

// Run serves flags until ctx is done, then drains for at most 10 seconds and
// returns nil. Event streams are told and ended. An error means that the
// sidecar could not start, or could not go on. All goroutines that Run started
// have ended when it returns.
func Run(ctx context.Context, cfg Config) error {
	cfg, err := cfg.complete()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	st := store.New()
	watch := manage.New(st,
		manage.Identity{Instance: cfg.Instance, Environment: cfg.Environment},
		cfg.StaleAfter,
	)
	rules := enrich.Rules{Static: cfg.Context, Headers: cfg.Headers}

	g, ctx := errgroup.WithContext(ctx)
	doors, err := open(ctx, cfg, handlers(ctx, cfg, st, watch, rules))
	if err != nil {
		return err
	}
	for _, src := range cfg.Sources {
		sink := &observed{Sink: st.Add(src.Name()), watch: watch, origin: src.Name(), log: cfg.Logger}
		g.Go(func() error { return follow(ctx, src, sink) })
	}
	for _, door := range doors.all() {
		g.Go(func() error { return door.serve() })
		g.Go(func() error {
			<-ctx.Done()
			return door.drain(ctx)
		})
	}
	if cfg.Ready != nil {
		cfg.Ready(doors.addresses())
	}
	return g.Wait()
}

func follow(ctx context.Context, src source.Source, sink source.Sink) error {
	if err := src.Watch(ctx, sink); err != nil {
		return fmt.Errorf("watch %s: %w", src.Name(), err)
	}
	return nil
}

func (d *door) serve() error {
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", d.name, err)
	}
	return nil
}

// drain lets requests end, and ends what is left when their time is over. That
// somebody did not hang up in time is no reason for the sidecar to fail.
func (d *door) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := d.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = d.server.Close()
	}
	if err != nil {
		return fmt.Errorf("close %s: %w", d.name, err)
	}
	return nil
}
