package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"
)

var errShutDown = errors.New("the provider was shut down")

// Init is [Provider.InitWithContext] without a context.
func (p *Provider) Init(ec openfeature.EvaluationContext) error {
	return p.InitWithContext(context.Background(), ec)
}

// InitWithContext starts the provider, unless it is running, and waits until
// it has flags that are current. Where the deadline, or ctx, comes first, it
// returns an error if there is nothing to answer from, and nil if there is;
// the provider is STALE then. In either case it goes on trying and tells of
// its success by an event. ctx bounds the wait, not the provider.
//
// It returns a [openfeature.ProviderInitError] with the code PROVIDER_FATAL
// if no trying can help. After a shutdown the provider can be initialised
// again.
func (p *Provider) InitWithContext(ctx context.Context, _ openfeature.EvaluationContext) error {
	return p.start().monitor.await(ctx, p.settings.deadline) //nolint:contextcheck // the provider outlives the wait
}

// Shutdown is [Provider.ShutdownWithContext] without a context.
func (p *Provider) Shutdown() { _ = p.ShutdownWithContext(context.Background()) }

// ShutdownWithContext stops the provider and waits until all it started has
// ended. If ctx is done first it returns an error, and what is left ends
// without being waited for. A provider that is not running is left alone.
func (p *Provider) ShutdownWithContext(ctx context.Context) error {
	l := p.life.Load()
	if l == nil {
		return nil
	}
	l.stop()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the provider to end: %w", ctx.Err())
	}
}

// A life is what goes on between an initialisation and a shutdown.
type life struct {
	mode    mode
	monitor *monitor
	cancel  context.CancelFunc
	over    atomic.Bool
	done    chan struct{} // closed once all of it has ended
}

// start returns the life that is going on, and begins one if there is none.
func (p *Provider) start() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.life.Load()
	if before != nil && !before.stopped() {
		return before
	}
	// Whatever the caller's context carries is not for what outlives the call.
	ctx, cancel := context.WithCancel(context.Background())
	m := p.newMode()
	l := &life{
		mode:    m,
		monitor: newMonitor(p.settings, p.events, m.forget),
		cancel:  cancel,
		done:    make(chan struct{}),
	}
	p.life.Store(l)
	go func() {
		l.run(ctx, before)
		p.life.CompareAndSwap(l, nil) // lets go of the flags
		close(l.done)
	}()
	return l
}

func (p *Provider) newMode() mode {
	if len(p.settings.sources) > 0 {
		return newInProcess(p.settings)
	}
	return newSidecar(p.settings, p.known)
}

// run lives until ctx is done. A source must not be watched twice at once, so
// the life before has to have ended first.
func (l *life) run(ctx context.Context, before *life) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { l.monitor.run(ctx) })
	if before != nil {
		<-before.done
	}
	l.mode.follow(ctx, l.monitor.tell)
}

func (l *life) stop() {
	l.over.Store(true)
	l.cancel()
}

func (l *life) stopped() bool { return l.over.Load() }
