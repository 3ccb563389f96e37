package natstest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/natsd"
)

// nodeVariable names the configuration that a test program is to serve instead
// of running tests.
const nodeVariable = "FLAGLINE_TEST_NATS_NODE"

// ready is what a node says when it takes connections.
const ready = "ready"

// Main is the TestMain of packages that use [StartCluster]: its servers are the
// test program itself, run once more for each.
func Main(m *testing.M) {
	file := os.Getenv(nodeVariable)
	if file == "" {
		os.Exit(m.Run())
	}
	if err := serve(file, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve serves until in ends, which it does with the program that started this
// one, however that ends.
func serve(file string, in io.Reader, out io.Writer) error {
	conf, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	server, err := natsd.Run(context.Background(), string(conf), nil)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := fmt.Fprintln(out, ready); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// A Node is a server in a process of its own.
type Node struct {
	name   string
	client string // host:port
	file   string // its configuration
	env    []string

	mu    sync.Mutex // held to look at what follows: a timer may kill a node
	cmd   *exec.Cmd  // nil while it does not run
	stdin io.Closer
}

// Name is what the servers call the node.
func (n *Node) Name() string { return n.name }

// URL is where the node takes connections, also after a restart.
func (n *Node) URL() string { return "nats://" + n.client }

// Running says whether the node was started and not killed since.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// Start starts the node, with the store that it had, and waits until it takes
// connections.
func (n *Node) Start(t testing.TB) {
	t.Helper()
	if err := n.start(t); err != nil {
		t.Fatalf("node %s: %v", n.name, err)
	}
}

// Kill ends the node as a power cut would, but for what the operating system
// still writes: it is not told.
func (n *Node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait() // it was killed
	n.stdin.Close()
	n.cmd = nil
}

// Signal sends sig to the process: to stop it for a while, for instance.
func (n *Node) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("node %s: %v", n.name, err)
	}
}

func (n *Node) start(t testing.TB) error {
	cmd := exec.Command(os.Args[0]) //nolint:noctx // it outlives the context of the test, up to its clean-up
	cmd.Env = append(append(os.Environ(), nodeVariable+"="+n.file), n.env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	n.mu.Lock()
	n.cmd, n.stdin = cmd, stdin
	n.mu.Unlock()

	line := make(chan string, 1)
	go func() {
		first, _ := bufio.NewReader(stdout).ReadString('\n')
		line <- strings.TrimSpace(first)
	}()
	select {
	case first := <-line:
		if first == ready {
			return nil
		}
	case <-time.After(patience):
	case <-t.Context().Done():
	}
	n.Kill()
	return errors.New("it does not start: " + strings.TrimSpace(said.String()))
}

// patience is how long a test waits for a server.
const patience = time.Minute

// newNode writes the configuration of a node that ends with the test.
func newNode(t testing.TB, dir, name, client, conf string, env ...string) *Node {
	t.Helper()
	n := &Node{name: name, client: client, file: filepath.Join(dir, name+".conf"), env: env}
	if err := os.WriteFile(n.file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	return n
}
