package process_test

import (
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/test/server/process"
)

func TestAProgramThatEndsIsNotWaitedFor(t *testing.T) {
	p, err := process.Start(t.Context(), "tool", false, "go", "nonsense")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	err = p.Await(t.Context(), time.Minute, "wait for nothing", func() bool { return false })
	if err == nil || !strings.Contains(err.Error(), "tool ended") || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("the error is %v, want how it ended and what it said", err)
	}
}

func TestPortsDiffer(t *testing.T) {
	ports, err := process.Ports(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, port := range ports {
		if seen[port] {
			t.Errorf("%s is given twice", port)
		}
		seen[port] = true
	}
}

func TestAVersionThatIsNoneCannotBeInstalled(t *testing.T) {
	err := process.Install(t.Context(), t.TempDir(), "example.invalid/program@none")
	if err == nil || !strings.Contains(err.Error(), "example.invalid/program@none") {
		t.Errorf("the error is %v", err)
	}
}
