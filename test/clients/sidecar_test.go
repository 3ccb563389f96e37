package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// TestMain builds the sidecar out of the module that this one lies in.
func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flagline-clients")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.CommandContext(context.Background(), "go", "build", "-C", filepath.Join("..", ".."),
		"-o", filepath.Join(dir, "flagline-sidecar"), "./cmd/flagline-sidecar")
	if out, err := build.CombinedOutput(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "build the sidecar: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 1
	}
	return m.Run()
}

// flags is what the sidecars of these tests start from; color is the default
// variant of the flag "color".
func flags(color string) string {
	return `{"flags":{
		"color":  {"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"` + color + `"},
		"bool":   {"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"},
		"float":  {"state":"ENABLED","variants":{"half":0.5},"defaultVariant":"half"},
		"int":    {"state":"ENABLED","variants":{"many":42},"defaultVariant":"many"},
		"object": {"state":"ENABLED","variants":{"o":{"a":1,"b":["x"]}},"defaultVariant":"o"},
		"rule":   {"state":"ENABLED","variants":{"yes":true,"no":false},"defaultVariant":"no",
			"targeting":{"if":[{"ends_with":[{"var":"email"},"@example.com"]},"yes",null]}},
		"off":    {"state":"DISABLED","variants":{"on":true},"defaultVariant":"on"},
		"open":   {"state":"ENABLED","variants":{"yes":true,"no":false},
			"targeting":{"if":[{"==":[{"var":"email"},"a@example.com"]},"yes",null]}}
	}}`
}

// A sidecar runs as its own process, on flags that the test may change.
type sidecar struct {
	Evaluation, Management, Sync, OFREP string

	path    string
	process *exec.Cmd
}

// launch starts a sidecar and waits until it has flags.
func launch(t *testing.T) *sidecar {
	t.Helper()
	s := &sidecar{path: filepath.Join(t.TempDir(), "flags.json")}
	s.write(t, "red")
	s.start(t, "0", "0", "0", "0")
	return s
}

func (s *sidecar) write(t *testing.T, color string) {
	t.Helper()
	if err := os.WriteFile(s.path, []byte(flags(color)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *sidecar) start(t *testing.T, evaluation, management, sync, ofrep string) {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	process := exec.CommandContext(context.WithoutCancel(t.Context()), "flagline-sidecar", "start",
		"--uri=file:"+s.path, "--ready-file="+ready,
		"--bind=127.0.0.1",
		"--port="+evaluation, "--management-port="+management, "--sync-port="+sync, "--ofrep-port="+ofrep)
	process.Stderr = t.Output()
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait() // a second Wait, after stop, is no matter
	})
	s.process = process
	eventually(t, "the sidecar listens", func() bool {
		data, err := os.ReadFile(ready)
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err == nil {
			err = json.Unmarshal(data, s)
		}
		if err != nil {
			t.Fatalf("the ready file: %v", err)
		}
		return true
	})
	eventually(t, "the sidecar has flags", func() bool { return s.ready(t) })
}

func (s *sidecar) ready(t *testing.T) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Management+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop ends the sidecar and waits until it is gone.
func (s *sidecar) stop(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("the sidecar ends with %v, want exit code 0", err)
	}
}

// restart starts the sidecar anew where it was.
func (s *sidecar) restart(t *testing.T) {
	t.Helper()
	s.start(t, port(t, s.Evaluation), port(t, s.Management), port(t, s.Sync), port(t, s.OFREP))
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func portNumber(t *testing.T, address string) uint16 {
	t.Helper()
	number, err := strconv.ParseUint(port(t, address), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(number)
}

// eventually waits until claim holds.
func eventually(t *testing.T, what string, claim func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !claim() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("it is still not so that %s", what)
		}
	}
}
