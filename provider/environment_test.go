package provider_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// ask initialises a provider of these options and asks it for the greeting.
func ask(t *testing.T, options ...provider.Option) string {
	t.Helper()
	client, err := bind(t, newProvider(t, append(options, provider.WithDeadline(patience))...))
	if err != nil {
		t.Fatal(err)
	}
	return client.String(t.Context(), "greeting", "default", openfeature.EvaluationContext{})
}

func TestEnvironmentSaysWhereFlagsComeFrom(t *testing.T) {
	s := serve(t, "", greeting)
	path := filepath.Join(t.TempDir(), "flags.json")
	writeFile(t, path, []byte(greeting))
	for name, variables := range map[string]map[string]string{
		"flagd's port":      {"FLAGD_HOST": "127.0.0.1", "FLAGD_PORT": port(t, s.addr)},
		"ours before it":    {"FLAGLINE_HOST": "127.0.0.1", "FLAGLINE_PORT": port(t, s.addr), "FLAGD_HOST": "192.0.2.1", "FLAGD_PORT": "1"},
		"a target":          {"FLAGD_TARGET_URI": "dns:///localhost:" + port(t, s.addr)},
		"in-process":        {"FLAGD_RESOLVER": "IN-PROCESS", "FLAGD_SYNC_PORT": port(t, s.sync)},
		"a file":            {"FLAGD_RESOLVER": "file", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": path},
		"the operator's":    {"FLAGD_FLAGLINE_RESOLVER": "file", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": path},
		"Kubernetes' links": {"FLAGD_PORT": "tcp://10.0.0.1:8013", "FLAGD_RESOLVER": "in-process", "FLAGD_SYNC_PORT": port(t, s.sync)},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range variables {
				t.Setenv(variable, value)
			}
			if got := ask(t); got != "hi" {
				t.Errorf("greeting = %q, want hi", got)
			}
		})
	}
}

func TestOptionsCountBeforeTheEnvironment(t *testing.T) {
	t.Setenv("FLAGD_RESOLVER", "in-process")
	t.Setenv("FLAGD_SYNC_PORT", "1")
	t.Setenv("FLAGD_SOURCE_SELECTOR", "flagSetId=nobody")
	s := serve(t, "", greeting)
	if got := ask(t, provider.WithSidecar(s.addr), provider.WithSelector("")); got != "hi" {
		t.Errorf("greeting = %q, want hi", got)
	}
	if got := ask(t, provider.WithFile("testdata/flags.json"), provider.WithoutEnvironment()); got != "hi" {
		t.Errorf("greeting = %q without the environment, want hi", got)
	}
}

func TestMistakenVariableIsNamed(t *testing.T) {
	t.Setenv("FLAGD_DEADLINE_MS", "soon")
	t.Setenv("FLAGLINE_RESOLVER", "telepathy")
	_, err := provider.New()
	if err == nil || !strings.Contains(err.Error(), "FLAGD_DEADLINE_MS") || !strings.Contains(err.Error(), "FLAGLINE_RESOLVER") {
		t.Errorf("New returned %v, want an error that names both variables", err)
	}
	if _, err := provider.New(provider.WithoutEnvironment()); err != nil {
		t.Errorf("New returned %v although the environment does not count", err)
	}
}
