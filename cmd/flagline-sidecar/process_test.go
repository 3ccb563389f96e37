package main_test

import (
	"bytes"
	"context"
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

// A process is a sidecar that runs.
type process struct {
	Evaluation, Management, OFREP string

	cmd    *exec.Cmd
	ready  string        // the ready file
	stderr *bytes.Buffer // to be read after the end
	exited chan struct{}
}

// launch starts a sidecar on free ports and waits until it listens.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	args = append([]string{
		"start", "--port=0", "--management-port=0", "--ofrep-port=0", "--ready-file=" + ready,
	}, args...)
	p := &process{cmd: command(t, env, args...), ready: ready, stderr: new(bytes.Buffer), exited: make(chan struct{})}
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
	p.await(t)
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

// command prepares the program with nothing of ours in its environment but env.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "flagline-sidecar", args...)
	cmd.Env = env
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLAGD_") && !strings.HasPrefix(variable, "FLAGLINE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
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

func TestMistakesInTheCommandExitWith2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unknown := write(t, filepath.Join(dir, "unknown.yaml"), "colour: red\n")
	tests := []struct {
		name string
		env  []string
		args []string
		want string
	}{
		{"no source", nil, []string{"start"}, "--uri file:PATH"},
		{"unknown setting", nil, []string{"start", "--colour"}, "unknown flag"},
		{"unknown command", nil, []string{"begin"}, "unknown command"},
		{"bare path", nil, []string{"start", "-f", "flags.json"}, "say file:flags.json"},
		{"other source", nil, []string{"start", "-f", "https://h/flags"}, "no source for https:"},
		{"no environment", nil, []string{"start", "--nats-url", "nats://h:4222"}, "--environment"},
		{"two environments", nil, []string{"start", "-f", "nats://h/prod", "--environment", "dev"}, `"prod"`},
		{"bad environment", nil, []string{"start", "-f", "nats://h/Prod!"}, "Prod!"},
		{"credentials", nil, []string{"start", "-f", "nats://me:hunter2@h/prod"}, "--nats-creds"},
		{"credentials in the environment", []string{"FLAGD_FLAGLINE_NATS_URL=hunter2@h"}, []string{"start"}, "--nats-creds"},
		{"other provider", nil, []string{"start", "-s", `[{"uri":"x","provider":"http"}]`}, `no provider "http"`},
		{"sources are not JSON", nil, []string{"start", "-s", `{`}, "JSON array"},
		{"one source twice", nil, []string{"start", "-f", "file:a.json", "-f", "file:a.json"}, "given twice"},
		{"log format", nil, []string{"start", "-f", "file:a.json", "-z", "xml"}, "console and json"},
		{"bad port", []string{"FLAGD_PORT=eighty"}, []string{"start", "-f", "file:a.json"}, "FLAGD_PORT"},
		{"no such configuration", nil, []string{"start", "--config", filepath.Join(dir, "gone.yaml")}, "gone.yaml"},
		{"unknown setting in the configuration", nil, []string{"start", "--config", unknown}, `no setting "colour"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := command(t, test.env, test.args...).CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 2 {
				t.Errorf("%q ends with %v, want exit code 2", test.args, err)
			}
			if !strings.Contains(string(out), test.want) || strings.Contains(string(out), "hunter2") {
				t.Errorf("%q says %q, want %q and no secret", test.args, out, test.want)
			}
		})
	}
}

func TestTakenPortExitsWith8(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	out, err := command(t, nil, "start", "-f", "file:a.json", "-p", port, "-m", "0", "-r", "0").CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 8 {
		t.Errorf("it ends with %v, want exit code 8: %s", err, out)
	}
}

func TestVersionIsPrinted(t *testing.T) {
	out, err := command(t, nil, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "flagline-sidecar ") {
		t.Errorf("version prints %q, %v", out, err)
	}
}
