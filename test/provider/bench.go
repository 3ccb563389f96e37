package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/test/server/process"
)

// A bench is what all measurements share: the programs, the servers that run,
// and what came out so far.
type bench struct {
	settings
	out      io.Writer
	dir      string
	sidecar  string // the program
	changing string // the program
	document []byte
	file     string // that holds the document
	closers  []func()
	figures  *figures
}

// newBench builds the programs and writes the flags down.
func newBench(ctx context.Context, out io.Writer, s settings, root string) (*bench, error) {
	dir, err := os.MkdirTemp("", "flagline-provider-")
	if err != nil {
		return nil, err
	}
	b := &bench{
		settings: s, out: out, dir: dir, file: filepath.Join(dir, "flags.json"),
		sidecar: filepath.Join(dir, "flagline-sidecar"), changing: filepath.Join(dir, "changing"),
		figures: newFigures(s),
	}
	b.atEnd(func() { _ = os.RemoveAll(dir) }) // the system cleans up what is left
	if err := b.build(ctx, root); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) build(ctx context.Context, root string) (err error) {
	if b.document, err = document(); err != nil {
		return err
	}
	if err := os.WriteFile(b.file, b.document, 0o600); err != nil {
		return err
	}
	fmt.Fprintln(b.out, "building the sidecar")
	if err := process.Build(ctx, root, b.sidecar, "./cmd/flagline-sidecar"); err != nil {
		return err
	}
	if err := process.Build(ctx, ".", b.changing, "./changing"); err != nil {
		return err
	}
	return b.figures.readVersions(ctx)
}

func (b *bench) atEnd(do func()) { b.closers = append(b.closers, do) }

// close undoes everything, the last first.
func (b *bench) close() {
	for _, do := range slices.Backward(b.closers) {
		do()
	}
}

// set makes p the provider of an API of its own, and returns a client.
func (b *bench) set(ctx context.Context, name string, p openfeature.FeatureProvider) (*openfeature.Client, error) {
	const soon = 10 * time.Second
	bounded, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(bounded, p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b.atEnd(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), soon)
		defer cancel()
		_ = api.Shutdown(ctx) // it ends with this program
	})
	return api.NewClient(), nil
}

// A server is a sidecar that runs: its evaluation services at rpc, which may be a
// socket, and flag sync at sync.
type server struct{ rpc, sync string }

// serve starts the sidecar, on a socket if there is one.
func (b *bench) serve(ctx context.Context, socket string) (*server, error) {
	ports, err := process.Ports(4)
	if err != nil {
		return nil, err
	}
	args := []string{"start", "--uri", "file:" + b.file}
	for i, name := range []string{"port", "management-port", "sync-port", "ofrep-port"} {
		_, port, _ := net.SplitHostPort(ports[i])
		args = append(args, "--"+name, port)
	}
	s := &server{rpc: ports[0], sync: ports[2]}
	if socket != "" {
		args = append(args, "--socket-path", socket)
		s.rpc = socket
	}
	p, err := process.Start(ctx, "the sidecar", true, b.sidecar, args...)
	if err != nil {
		return nil, err
	}
	b.atEnd(p.Stop)
	return s, p.Await(ctx, time.Minute, "wait until it is ready", func() bool { return ready(ctx, ports[1]) })
}

func ready(ctx context.Context, management string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+management+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// serveChanges starts the sidecar whose flags change, and returns its address and
// what makes them change and rest.
func (b *bench) serveChanges(ctx context.Context) (address string, change func(bool) error, err error) {
	ports, err := process.Ports(1)
	if err != nil {
		return "", nil, err
	}
	on := filepath.Join(b.dir, "changing.on")
	p, err := process.Start(ctx, "the sidecar with changes", false, b.changing, ports[0], b.file, on)
	if err != nil {
		return "", nil, err
	}
	b.atEnd(p.Stop)
	err = p.Await(ctx, time.Minute, "wait until it listens", func() bool {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", ports[0])
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return ports[0], func(changes bool) error {
		if changes {
			return os.WriteFile(on, nil, 0o600)
		}
		if err := os.Remove(on); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}, err
}
