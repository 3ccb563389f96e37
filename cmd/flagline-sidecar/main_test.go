package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain builds the program, so that the tests meet what users meet.
func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flagline-sidecar")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(dir, "flagline-sidecar"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 1
	}
	return m.Run()
}

func TestVersionIsPrinted(t *testing.T) {
	out, err := command(t, nil, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "flagline-sidecar ") {
		t.Errorf("version prints %q, %v", out, err)
	}
	if same, err := command(t, nil, "--version").Output(); err != nil || string(same) != string(out) {
		t.Errorf("--version prints %q, %v, and version %q", same, err, out)
	}
}

func TestCompletionsAreWritten(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, err := command(t, nil, "completion", shell).Output()
		if err != nil || !strings.Contains(string(out), "flagline-sidecar") {
			t.Errorf("completion %s writes %d bytes, %v", shell, len(out), err)
		}
	}
}
