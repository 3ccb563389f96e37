package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// programs is where TestMain builds them.
var programs string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "flagline-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	programs = dir
	build := exec.Command("go", "build", "-o", dir, "./cmd/...", "./examples/checkout")
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// A world is a home directory of its own: what programs leave for each other
// stays in it.
type world struct {
	t   *testing.T
	dir string
	env []string
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	w := &world{t: t, dir: dir}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "FLAGLINE_") && !strings.HasPrefix(name, "FLAGD_") {
			w.env = append(w.env, v)
		}
	}
	w.env = append(w.env, "HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "USER=ada")
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// A process is a program that runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string
	done chan error
}

// start runs a program until the test ends.
func (w *world) start(name string, args ...string) *process {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(programs, name), args...)
	cmd.Env, cmd.Dir = w.env, w.dir
	log, err := os.CreateTemp(w.dir, name+"-*.log")
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p := &process{t: w.t, cmd: cmd, log: log.Name(), done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	w.t.Cleanup(func() {
		_ = p.kill(syscall.SIGKILL)
		if w.t.Failed() {
			text, _ := os.ReadFile(p.log)
			w.t.Logf("%s %s said:\n%s", name, strings.Join(args, " "), text)
		}
	})
	return p
}

// kill sends the signal and waits until the process has ended.
func (p *process) kill(sig syscall.Signal) error {
	if p.cmd.ProcessState != nil {
		return nil
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case err := <-p.done:
		return err
	case <-time.After(patience):
		p.t.Fatalf("%s does not end on %v", p.cmd.Path, sig)
		return nil
	}
}

// addresses are what a ready file of `flagline dev` or the sidecar holds.
type addresses struct {
	API, NATS, Evaluation, Management, OFREP, Environment, AdminToken string
}

// ready waits for a ready file.
func (w *world) ready(name string) addresses {
	w.t.Helper()
	var a addresses
	w.await("the ready file "+name, func() error {
		data, err := os.ReadFile(w.path(name))
		if err != nil {
			return err
		}
		return json.Unmarshal(data, &a)
	})
	return a
}

// dev runs `flagline dev` on free ports.
func (w *world) dev(args ...string) (*process, addresses) {
	w.t.Helper()
	p := w.start("flagline", append([]string{
		"dev", "--data-dir", w.path("data"), "--listen", "127.0.0.1:0",
		"--nats-listen", "127.0.0.1:0", "--port", "0", "--management-port", "0", "--sync-port", "0", "--ofrep-port", "0",
		"--ready-file", w.path("ready"),
	}, args...)...)
	return p, w.ready("ready")
}

// await polls until check gives no error.
func (w *world) await(what string, check func() error) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %v for %s: %v", patience, what, err)
		}
		<-tick.C
	}
}

// A result is what a command printed, and how it ended.
type result struct {
	out, err string
	code     int
}

// cli runs flagline against a server.
func (w *world) cli(server string, args ...string) result {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(programs, "flagline"), args...)
	cmd.Env, cmd.Dir = append(w.env, "FLAGLINE_SERVER="+server), w.dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		w.t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// must runs flagline and expects it to succeed.
func (w *world) must(server string, args ...string) string {
	w.t.Helper()
	r := w.cli(server, args...)
	if r.code != 0 {
		w.t.Fatalf("flagline %s ended with %d: %s", strings.Join(args, " "), r.code, r.err)
	}
	return r.out
}

// ofrep asks for a flag and returns its value as JSON text.
func ofrep(addr, key, context string, header ...string) (string, error) {
	answer, err := ofrepAnswer(addr, key, context, header...)
	return string(answer.Value), err
}

type ofrepResult struct {
	Value     json.RawMessage
	Variant   string
	Reason    string
	ErrorCode string
}

func ofrepAnswer(addr, key, context string, header ...string) (ofrepResult, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/ofrep/v1/evaluate/flags/"+key,
		strings.NewReader(`{"context":`+context+`}`))
	if err != nil {
		return ofrepResult{}, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ofrepResult{}, err
	}
	defer resp.Body.Close()
	var answer ofrepResult
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer, err
}

// answers is a check that OFREP gives value.
func answers(addr, key, value string) func() error {
	return func() error {
		got, err := ofrep(addr, key, "{}")
		if err == nil && got != value {
			err = fmt.Errorf("%s answers %s, want %s", key, got, value)
		}
		return err
	}
}

func status(url string) int {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// freePort is one that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
