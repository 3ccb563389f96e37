//go:build unix

package outage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a sidecar that can be ended and started again where it was.
type process struct {
	evaluation, sync string // where it listens

	args   []string
	starts int
	cmd    *exec.Cmd // nil while it does not run
	exited chan struct{}
	stderr *bytes.Buffer // to be read after the end
}

// newProcess prepares a sidecar that ends with the test.
func newProcess(t testing.TB, args ...string) *process {
	t.Helper()
	p := &process{evaluation: freeAddress(t), sync: freeAddress(t), args: args}
	t.Cleanup(func() { p.kill(t) })
	return p
}

// start starts the sidecar and waits until it listens. A port that was free may be
// somebody else's for a moment.
func (p *process) start(t testing.TB) {
	t.Helper()
	eventually(t, "the sidecar", func() string {
		ready := p.launch(t)
		for {
			select {
			case <-p.exited:
				p.cmd = nil
				return p.stderr.String()
			default:
			}
			if _, err := os.Stat(ready); !errors.Is(err, fs.ErrNotExist) {
				return ""
			}
			pause(5 * time.Millisecond)
		}
	})
}

func (p *process) launch(t testing.TB) (ready string) {
	p.starts++
	ready = filepath.Join(t.TempDir(), fmt.Sprintf("ready-%d", p.starts))
	args := append([]string{
		"start", "--port", port(p.evaluation), "--sync-port", port(p.sync), "--management-port=0", "--ofrep-port=0", "--ready-file", ready,
	}, p.args...)
	p.cmd, p.stderr, p.exited = exec.Command(program, args...), new(bytes.Buffer), make(chan struct{})
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "FLAGD_") && !strings.HasPrefix(variable, "FLAGLINE_") {
			p.cmd.Env = append(p.cmd.Env, variable)
		}
	}
	p.cmd.Stderr = p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, exited := p.cmd, p.exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // the exit code is in ProcessState
	}()
	return ready
}

// kill ends the sidecar without a word.
func (p *process) kill(testing.TB) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
	p.cmd = nil
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
