package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// The OpenFeature operator starts what it takes for flagd with these arguments,
// puts FLAGD_ before all variables, and gives it no place to write to.
func TestOperatorStartsItAsItStartsFlagd(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh is not installed, which takes the right to write")
	}
	flags := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	cmd := command(t, []string{
		"FLAGD_LOG_FORMAT=json", "FLAGD_EVALUATOR=json", "FLAGD_RESOLVER=rpc", "FLAGD_FLAGLINE_SERVICE=checkout",
		"HOME=/nonexistent", "TMPDIR=/nonexistent",
	},
		"start", "--management-port", "0", "--port", "0",
		"--sources", `[{"uri":"`+flags+`","provider":"file"}]`,
		"--sync-provider-args", "key=value", "--debug",
		"--metrics-exporter", "otel", "--otel-collector-uri", "127.0.0.1:1",
		"--context-value", "who=me", "--context-from-header", "X-Who=who",
		"--cors-origin", "https://app.example", "--ofrep-port", "0",
	)
	// The operator leaves the sync port as it is.
	cmd.Args = append([]string{"sh", "-c", `ulimit -f 0; exec "$0" "$@"`, cmd.Path}, append(cmd.Args[1:], "--sync-port", "0")...)
	cmd.Path = shell
	cmd.Dir = t.TempDir()
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := new(process)
	lines := bufio.NewScanner(log)
	for p.Evaluation == "" || p.Management == "" || p.OFREP == "" {
		if !lines.Scan() {
			t.Fatalf("the sidecar ends: %v", cmd.Wait())
		}
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%s is not JSON", lines.Bytes())
		}
		switch line.Msg {
		case "serve evaluation":
			p.Evaluation = line.Addr
		case "serve management":
			p.Management = line.Addr
		case "serve ofrep":
			p.OFREP = line.Addr
		}
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(io.Discard, log) })

	eventually(t, "readyz", func() string { return p.readiness(t) }, "200")
	if got := p.value(t, "color"); got != "red" {
		t.Errorf("color is %s, want red", got)
	}
	if got := p.value(t, "echo"); got != "me" {
		t.Errorf("echo is %s, want me", got)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("it wrote %v, %v", left, err)
	}
}
