package provider_test

import (
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source/natskv"
)

// publish returns a function that publishes one flag to the environment of a
// server of its own, and the link over which a provider may follow it.
func publish(t *testing.T) (put func(key, body string), link *natstest.Link) {
	t.Helper()
	server := natstest.Start(t)
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	return func(key, body string) {
		t.Helper()
		_, err := l.Commit(t.Context(), admin.Draft{Author: "test", Plan: func(admin.State) ([]admin.Edit, error) {
			return []admin.Edit{{Key: key, Body: []byte(body)}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}, natstest.NewLink(t, server)
}

func overNATS(t *testing.T, link *natstest.Link, snapshots string, options ...provider.Option) *provider.Provider {
	t.Helper()
	src, err := natskv.New(natskv.Config{
		Servers: link.URL(), Environment: natstest.Environment, SnapshotDir: snapshots, StartupGrace: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	options = append([]provider.Option{provider.WithSource(src), provider.WithDeadline(patience)}, options...)
	return newProvider(t, options...)
}

func TestEnvironmentOnNATSIsFollowedThroughAnOutage(t *testing.T) {
	put, link := publish(t)
	put("greeting", shortGreeting)
	p := overNATS(t, link, "", provider.WithGracePeriod(50*time.Millisecond))
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	if got := greet(t, p); got != "hi" {
		t.Errorf("greeting = %q, want hi", got)
	}
	put("greeting", longGreeting)
	nextChange(t, p, "greeting")
	if got := greet(t, p); got != "good day" {
		t.Errorf("greeting = %q, want good day", got)
	}

	link.Cut()
	next(t, p, openfeature.ProviderStale)
	next(t, p, openfeature.ProviderError)
	if got := greet(t, p); got != "good day" {
		t.Errorf("greeting = %q without NATS, want the last known good day", got)
	}

	put("new-checkout", shortGreeting)
	link.Restore()
	nextChange(t, p, "new-checkout") // applied before it is confirmed
	next(t, p, openfeature.ProviderReady)
	nextChange(t, p, "new-checkout")
}

func TestProviderStartsFromItsSnapshotWhileNATSIsAway(t *testing.T) {
	put, link := publish(t)
	put("greeting", longGreeting)
	dir := t.TempDir()
	first := overNATS(t, link, dir)
	if err := first.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	first.Shutdown()

	link.Cut()
	client, err := bind(t, overNATS(t, link, dir, provider.WithDeadline(time.Second)))
	if err != nil {
		t.Fatalf("setting the provider: %v, want nil: there is a snapshot", err)
	}
	eventually(t, "the client is STALE", func() bool { return client.State() == openfeature.StaleState })
	if got := client.String(t.Context(), "greeting", "default", openfeature.EvaluationContext{}); got != "good day" {
		t.Errorf("greeting = %q, want the good day of the snapshot", got)
	}
	link.Restore()
	eventually(t, "the client is READY", func() bool { return client.State() == openfeature.ReadyState })
}
