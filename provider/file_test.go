package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

func TestFileThatGoesAndComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, greeting)
	p := newProvider(t, provider.WithFile(path), provider.WithDeadline(patience), provider.WithGracePeriod(50*time.Millisecond))
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	next(t, p, openfeature.ProviderStale)
	next(t, p, openfeature.ProviderError)
	if got := greet(t, p); got != "hi" {
		t.Errorf("greeting = %q without the file, want the last known hi", got)
	}

	write(t, path, `{"flags": {"greeting": `+longGreeting+`}}`)
	nextChange(t, p, "greeting", "new-checkout")
	next(t, p, openfeature.ProviderReady)
	nextChange(t, p, "greeting", "new-checkout")
	if got := greet(t, p); got != "good day" {
		t.Errorf("greeting = %q, want good day", got)
	}
}

func TestFileThatAppearsLateMakesTheClientReady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	client, err := bind(t, newProvider(t, provider.WithFile(path), provider.WithDeadline(50*time.Millisecond)))
	if err == nil || client.State() != openfeature.ErrorState {
		t.Errorf("without the file the client is %s (%v), want ERROR", client.State(), err)
	}
	write(t, path, greeting)
	eventually(t, "the client is READY", func() bool { return client.State() == openfeature.ReadyState })
	if got := client.String(t.Context(), "greeting", "default", openfeature.EvaluationContext{}); got != "hi" {
		t.Errorf("greeting = %q, want hi", got)
	}
}

func write(t *testing.T, path, document string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenFileIsNamedWithItsMistake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	writeFile(t, path, []byte("oops"))
	p := newProvider(t, provider.WithFile(path))
	err := p.Init(openfeature.EvaluationContext{})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "not JSON") {
		t.Errorf("Init returned %v, want the file and its mistake", err)
	}
}
