//go:build unix

package outage_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
)

// A provider whose events nobody reads does its work, and ends when it is told to.
func TestNobodyReadsTheEvents(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, _ mode, o *origin) {
		p := newProvider(t, append(o.options(t), hasty())...)
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatal(err)
		}
		for n := 2; n < 5; n++ {
			o.kill(t)
			o.set(t, n)
			o.restart(t)
			eventually(t, "the number", func() string {
				if got := p.IntEvaluation(t.Context(), "number", -1, nil).Value; got != int64(n) {
					return fmt.Sprintf("it is %d, not %d", got, n)
				}
				return ""
			})
		}
		within(t, "the shutdown", p.Shutdown)
	})
}

// A handler that never returns holds up neither the provider nor other handlers.
func TestHandlerThatNeverReturns(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, _ mode, o *origin) {
		a := run(t, append(o.options(t), hasty())...)
		if a.err != nil {
			t.Fatal(a.err)
		}
		ever := make(chan struct{})
		t.Cleanup(func() { close(ever) })
		stuck := func(openfeature.EventDetails) { <-ever }
		// Not of READY: the SDK calls such a handler itself, and waits for it, in
		// the moment it is added.
		for _, kind := range []openfeature.EventType{openfeature.ProviderStale, openfeature.ProviderError, openfeature.ProviderConfigChange} {
			a.client.AddHandler(kind, &stuck)
		}
		var heard atomic.Int64
		other := func(openfeature.EventDetails) { heard.Add(1) }
		a.client.AddHandler(openfeature.ProviderConfigChange, &other)
		for n := 2; n < 4; n++ {
			o.kill(t)
			a.await(t, openfeature.ErrorState)
			o.set(t, n)
			o.restart(t)
			a.await(t, openfeature.ReadyState)
			a.awaitNumber(t, int64(n))
		}
		eventually(t, "another handler", func() string {
			if heard.Load() < 2 {
				return "it heard nothing"
			}
			return ""
		})
	})
}

// A handler may set another provider in the place of the one it hears of, which is
// shut down by that.
func TestHandlerSetsAnotherProvider(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, _ mode, o *origin) {
		api := isolated.NewAPI()
		t.Cleanup(func() {
			if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
		client := api.NewClient()
		first := newProvider(t, o.options(t)...)
		instead := newProvider(t, provider.WithFile(flagFile(t, 77)))
		done := make(chan error, 10)
		var once atomic.Bool
		handler := func(openfeature.EventDetails) {
			if once.CompareAndSwap(false, true) {
				done <- api.SetProviderAndWait(context.WithoutCancel(t.Context()), instead)
			}
		}
		client.AddHandler(openfeature.ProviderStale, &handler)
		if err := api.SetProviderAndWait(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if got := client.Int(t.Context(), "number", -1, openfeature.EvaluationContext{}); got != 1 {
			t.Errorf("number = %d, want 1", got)
		}
		o.kill(t)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := client.Int(t.Context(), "number", -1, openfeature.EvaluationContext{}); got != 77 {
			t.Errorf("number = %d, want the 77 of the other provider", got)
		}
		eventually(t, "the first to be shut down", func() string {
			d := first.IntEvaluation(t.Context(), "number", -1, nil)
			if d.ResolutionDetail().ErrorCode != openfeature.ProviderNotReadyCode {
				return "it answers"
			}
			return ""
		})
	})
}
