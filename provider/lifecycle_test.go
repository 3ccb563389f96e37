package provider_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider"
)

func TestShutDownProviderIsAsBeforeInit(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		for range 3 {
			ready(t, p, src)
			if got := greet(t, p); got != "hi" {
				t.Errorf("greeting = %q, want hi", got)
			}
			p.Shutdown()
			p.Shutdown()
			d := p.StringEvaluation(t.Context(), "greeting", "default", nil)
			if code := d.ResolutionDetail().ErrorCode; code != openfeature.ProviderNotReadyCode {
				t.Errorf("after Shutdown greeting = %q (%s), want PROVIDER_NOT_READY", d.Value, code)
			}
			quiet(t, p)
		}
	})
}

func TestInitOfARunningProviderReturnsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		for range 3 {
			if err := p.Init(openfeature.EvaluationContext{}); err != nil {
				t.Errorf("Init: %v", err)
			}
		}
		quiet(t, p)
	})
}

func TestShutdownEndsAnInitThatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, _ *script) {
		failed := make(chan error)
		go func() { failed <- p.Init(openfeature.EvaluationContext{}) }()
		synctest.Wait()
		p.Shutdown()
		if err := <-failed; err == nil {
			t.Error("Init returned nil although the provider was shut down")
		}
	})
}

func TestShutdownReleasesEverythingUnderACancelledContext(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = p.ShutdownWithContext(ctx) // may or may not have waited
		ready(t, p, src)               // a source is watched once at a time
	})
}

func TestEventsThatNobodyReadsBlockNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		for i := range 200 {
			src.put(t, fmt.Sprintf("flag-%03d", i), shortGreeting)
			src.disconnect(t)
			src.connect(t)
		}
		src.disconnect(t)
		time.Sleep(time.Second)
		var state openfeature.EventType
		changed := map[string]bool{}
		for range 40 {
			select {
			case e := <-p.EventChannel():
				if e.EventType != openfeature.ProviderConfigChange {
					state = e.EventType
				}
				for _, flag := range e.FlagChanges {
					changed[flag] = true
				}
			default:
			}
			synctest.Wait()
		}
		if state != openfeature.ProviderStale || len(changed) != 200 {
			t.Errorf("the last state told is %s and %d flags changed, want STALE and 200", state, len(changed))
		}
	})
}

func TestEventChannelStaysTheSame(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		before := p.EventChannel()
		ready(t, p, src)
		p.Shutdown()
		ready(t, p, src)
		if p.EventChannel() != before {
			t.Error("EventChannel returned another channel after a second Init")
		}
	})
}

func TestParallelInitAndShutdown(t *testing.T) {
	s := serve(t, "", greeting)
	for _, options := range [][]provider.Option{
		{provider.WithSidecar(s.addr)},
		{provider.WithFile("testdata/flags.json")},
	} {
		p := newProvider(t, options...)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					_ = p.Init(openfeature.EvaluationContext{}) // fails if shut down meanwhile
					p.StringEvaluation(t.Context(), "greeting", "default", nil)
					p.Shutdown()
				}
			})
		}
		all.Wait()
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Errorf("Init after all that: %v", err)
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi", got)
		}
		p.Shutdown()
	}
}

func TestTwentyProvidersLeaveNoGoroutine(t *testing.T) {
	s := serve(t, "", greeting)
	before := goleak.IgnoreCurrent()
	for i := range 20 {
		option := provider.WithSidecar(s.addr)
		if i%2 == 0 {
			option = provider.WithFile("testdata/flags.json")
		}
		p, err := provider.New(option, provider.WithDeadline(patience))
		if err != nil {
			t.Fatal(err)
		}
		api := isolated.NewAPI()
		if err := api.SetProviderAndWait(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		got, err := api.NewClient().StringValue(t.Context(), "greeting", "default", openfeature.EvaluationContext{})
		if err != nil || got != "hi" {
			t.Errorf("greeting = %q (%v), want hi", got, err)
		}
		if err := api.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	// The server's side of the connections ends a moment later.
	s.stop()
	goleak.VerifyNone(t, before)
}
