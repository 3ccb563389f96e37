package provider_test

import (
	"os/exec"
	"strings"
	"testing"
)

func TestProviderLinksNeitherNATSNorKubernetesNorTheServer(t *testing.T) {
	// What no application should have to link because it evaluates flags.
	unwanted := []string{
		"github.com/nats-io/",
		"k8s.io/",
		"sigs.k8s.io/",
		"github.com/prometheus/",
		"github.com/flagline/flagline/admin",
		"github.com/flagline/flagline/sidecar",
		"github.com/flagline/flagline/source/natskv",
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.Lines(string(out)) {
		for _, prefix := range unwanted {
			if strings.HasPrefix(dep, prefix) {
				t.Errorf("the provider links %s", strings.TrimSpace(dep))
			}
		}
	}
}
