package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A Process is a program that runs.
type Process struct {
	name  string
	cmd   *exec.Cmd
	last  *tail
	ended chan struct{} // is closed once it has ended
	err   error         // how; valid then
}

// Start starts a program. One that is pinned has the first core for itself, one
// that is not has all of them.
func Start(ctx context.Context, name string, pinned bool, program string, args ...string) (*Process, error) {
	p := &Process{name: name, last: new(tail), ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.last, p.last
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = 10 * time.Second
	if err := on(pinned, p.cmd.Start); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Stop ends the process.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// Await asks until is says yes, every few milliseconds. It gives up if the
// process ends, and after as long as it is told.
func (p *Process) Await(ctx context.Context, long time.Duration, what string, is func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-p.ended:
			return fmt.Errorf("%s ended (%w): %s", p.name, p.err, p.last)
		case <-ctx.Done():
			return fmt.Errorf("%s: %s: %w; it said: %s", p.name, what, ctx.Err(), p.last)
		}
	}
	return nil
}

// Ports returns n addresses of this machine at which nothing listens.
func Ports(n int) ([]string, error) {
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // only when all are known, or one would be given twice
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}

// Build builds a package, without what debuggers need, as an image would have it.
// The folder is that of its module.
func Build(ctx context.Context, folder, program, path string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, path)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", path, err, lastLines(out))
	}
	return nil
}

// Install builds a program of others, in a version, into a folder.
func Install(ctx context.Context, folder, pathAtVersion string) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", pathAtVersion)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOBIN="+folder)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install %s: %w: %s", pathAtVersion, err, lastLines(out))
	}
	return nil
}

func lastLines(out []byte) string {
	const enough = 600
	return strings.TrimSpace(string(out[max(0, len(out)-enough):]))
}

// A tail keeps the end of what is written.
type tail struct {
	mu  sync.Mutex
	end []byte
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	const enough = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	t.end = bytes.Clone(t.end[max(0, len(t.end)-enough):])
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLines(t.end)
}
