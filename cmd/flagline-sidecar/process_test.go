package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// A process is a sidecar that runs.
type process struct {
	Evaluation, Management, Sync, OFREP string

	cmd    *exec.Cmd
	ready  string        // the ready file
	stderr *bytes.Buffer // to be read after the end
	exited chan struct{}
}

// launch starts a sidecar on free ports and waits until it listens.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := begin(t, env, args...)
	p.await(t)
	return p
}

// begin starts a sidecar on free ports.
func begin(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	args = append([]string{
		"start", "--port=0", "--management-port=0", "--sync-port=0", "--ofrep-port=0", "--ready-file=" + ready,
	}, args...)
	p := run(t, command(t, env, args...))
	p.ready = ready
	return p
}

// run starts a program that ends with the test.
func run(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, stderr: new(bytes.Buffer), exited: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // the exit code is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// await reads the ready file as soon as it is there.
func (p *process) await(t *testing.T) {
	t.Helper()
	var data []byte
	eventually(t, "the ready file", func() string {
		select {
		case <-p.exited:
			t.Fatalf("the sidecar ended: %s", p.stderr)
		default:
		}
		var err error
		data, err = os.ReadFile(p.ready)
		if errors.Is(err, fs.ErrNotExist) {
			return "missing"
		}
		return "there"
	}, "there")
	if err := json.Unmarshal(data, p); err != nil {
		t.Fatalf("ready file %q: %v", data, err)
	}
	info, err := os.Stat(p.ready)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the ready file has mode %v, want 0600", info.Mode().Perm())
	}
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// end waits for the process and returns its exit code.
func (p *process) end(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatal("the sidecar does not end")
		return -1
	}
}

// command prepares the program with nothing of ours in its environment but env,
// and an empty home.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "flagline-sidecar", args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLAGD_") && !strings.HasPrefix(variable, "FLAGLINE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, "HOME="+t.TempDir()), env...)
	return cmd
}

// eventually asks until the answer is the wanted one.
func eventually(t *testing.T, what string, ask func() string, want string) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for got := ask(); got != want; got = ask() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s is still %q, want %q", what, got, want)
		}
	}
}

func request(t *testing.T, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func (p *process) value(t *testing.T, key string, header ...string) string {
	t.Helper()
	_, body := request(t, http.MethodPost, "http://"+p.OFREP+"/ofrep/v1/evaluate/flags/"+key, "{}", header...)
	var answer struct{ Value any }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %q is not JSON", key, body)
	}
	return fmt.Sprint(answer.Value)
}

func (p *process) readiness(t *testing.T) string {
	t.Helper()
	status, _ := request(t, http.MethodGet, "http://"+p.Management+"/readyz", "")
	return fmt.Sprint(status)
}

// document has a flag "color" that answers default, and "echo", which answers
// what the context says of "who".
func document(color string) string {
	return `{"flags":{
		"color":{"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"` + color + `"},
		"echo":{"state":"ENABLED","variants":{"none":"none","me":"me","you":"you"},"defaultVariant":"none","targeting":{"var":"who"}}}}`
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileMayAppearLaterAndChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	p := launch(t, nil, "--uri", "file:"+path)
	if got := p.readiness(t); got != "412" {
		t.Errorf("readyz without flags is %s, want 412", got)
	}
	write(t, path, document("red"))
	eventually(t, "readyz", func() string { return p.readiness(t) }, "200")
	eventually(t, "color", func() string { return p.value(t, "color") }, "red")
	write(t, path, document("blue"))
	eventually(t, "color", func() string { return p.value(t, "color") }, "blue")
	if status, body := request(t, http.MethodGet, "http://"+p.Management+"/status", ""); status != 200 {
		t.Errorf("status answers %d %s", status, body)
	}
}

func TestSignalsEndItCleanly(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := launch(t, nil, "-f", "file:"+filepath.Join(t.TempDir(), "flags.json"))
		p.signal(t, signal)
		if code := p.end(t); code != 0 {
			t.Errorf("after %v it exits with %d, want 0: %s", signal, code, p.stderr)
		}
		if _, err := os.Stat(p.ready); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the ready file is still there: %v", err)
		}
	}
}

func TestSecondSignalEndsItAtOnce(t *testing.T) {
	p := launch(t, nil, "-f", "file:"+filepath.Join(t.TempDir(), "flags.json"))
	// A request that never ends keeps the sidecar draining.
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.OFREP)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 12)); err != nil { // the handler reads
		t.Fatal(err)
	}
	// Again and again, because signals that come together may count as one.
	eventually(t, "the sidecar", func() string {
		select {
		case <-p.exited:
			return "killed"
		default:
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone by now
			return "draining"
		}
	}, "killed")
	if code := p.end(t); code == 0 {
		t.Error("after two signals it exits with 0, want it killed")
	}
}

func TestTakenPortExitsWith8(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	out, err := command(t, nil, "start", "-f", "file:a.json", "-p", port, "-m", "0", "-g", "0", "-r", "0").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 8 {
		t.Errorf("it ends with %v, want exit code 8: %s", err, out)
	}
}
