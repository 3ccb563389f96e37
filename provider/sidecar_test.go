package provider_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// soon makes what takes seconds in the field take less in a test.
func soon(addr string, grace time.Duration) []provider.Option {
	return []provider.Option{
		provider.WithSidecar(addr),
		provider.WithDeadline(patience),
		provider.WithRetryBackoff(10*time.Millisecond, 50*time.Millisecond),
		provider.WithGracePeriod(grace),
	}
}

func TestSidecarChangeNamesTheFlagsThatChanged(t *testing.T) {
	s := serve(t, "", greeting)
	p := newProvider(t, soon(s.addr, time.Hour)...)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	s.source.put(t, "greeting", longGreeting)
	nextChange(t, p, "greeting")
	if got := greet(t, p); got != "good day" {
		t.Errorf("greeting = %q, want good day", got)
	}
}

func TestLostSidecarIsStaleThenAnErrorThenBack(t *testing.T) {
	s := serve(t, "", greeting)
	p := newProvider(t, soon(s.addr, 50*time.Millisecond)...)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	s.stop()
	next(t, p, openfeature.ProviderStale)
	if e := next(t, p, openfeature.ProviderError); !strings.Contains(e.Message, s.addr) {
		t.Errorf("ERROR says %q, want the address in it", e.Message)
	}
	d := p.StringEvaluation(t.Context(), "greeting", "default", nil)
	if code := d.ResolutionDetail().ErrorCode; d.Value != "default" || code != openfeature.GeneralCode {
		t.Errorf("greeting = %q (%s), want the default and GENERAL", d.Value, code)
	}

	serve(t, s.addr, greeting)
	next(t, p, openfeature.ProviderReady)
	if e := next(t, p, openfeature.ProviderConfigChange); e.FlagChanges != nil {
		t.Errorf("event names %q, want no flags: what changed meanwhile is unknown", e.FlagChanges)
	}
	eventually(t, "the sidecar answers again", func() bool { return greet(t, p) == "hi" })
}

func TestSidecarThatReturnsWithinTheGracePeriodIsNoError(t *testing.T) {
	s := serve(t, "", greeting)
	p := newProvider(t, soon(s.addr, time.Hour)...)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	s.stop()
	next(t, p, openfeature.ProviderStale)
	serve(t, s.addr, greeting)
	next(t, p, openfeature.ProviderReady)
	next(t, p, openfeature.ProviderConfigChange)
}

func TestClientFollowsTheStatesOfTheSidecar(t *testing.T) {
	addr := freeAddress(t)
	p := newProvider(t, append(soon(addr, 50*time.Millisecond), provider.WithDeadline(100*time.Millisecond))...)
	client, err := bind(t, p)
	if err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("setting a provider without a server: %v, want an error with the address", err)
	}
	is := func(state openfeature.State) {
		t.Helper()
		eventually(t, "the client is "+string(state), func() bool { return client.State() == state })
	}
	is(openfeature.ErrorState)
	s := serve(t, addr, greeting)
	is(openfeature.ReadyState)
	s.stop()
	is(openfeature.ErrorState)
	serve(t, addr, greeting)
	is(openfeature.ReadyState)
}

func TestSidecarThatHangsIsGivenUpAtTheDeadline(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := newProvider(t, provider.WithSidecar(l.Addr().String()), provider.WithDeadline(50*time.Millisecond))
	if err := p.Init(openfeature.EvaluationContext{}); err == nil || !strings.Contains(err.Error(), "not answered") {
		t.Errorf("Init returned %v without a stream, want that the sidecar has not answered", err)
	}
	d := p.BooleanEvaluation(t.Context(), "new-checkout", true, nil)
	if code := d.ResolutionDetail().ErrorCode; !d.Value || code != openfeature.GeneralCode {
		t.Errorf("new-checkout = %v (%s), want the default and GENERAL", d.Value, code)
	}
}
