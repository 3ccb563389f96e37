package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/flagline/flagline/test/server/process"
	"github.com/flagline/flagline/test/server/wire"
)

// The names of the servers, and of those that answer constants.
const (
	flagd   = "flagd"
	core    = "flagd core, plain"
	ours    = "ours"
	nethttp = "net/http"
	grpcgo  = "grpc-go"
	connect = "connect-go"
)

// A peer is a program that serves flags from a file.
type peer struct {
	name    string
	program string
	args    func(a addresses, file string) []string
	full    bool // not the stand-in, which has no streams and no tags
}

// addresses are where a peer listens.
type addresses struct{ rpc, management, sync, ofrep string }

func ourPeer(program string) peer { return peer{ours, program, flagdArgs, true} }

func flagdPeer(program string) peer { return peer{flagd, program, flagdArgs, true} }

func corePeer(program string) peer {
	return peer{core, program, func(a addresses, file string) []string {
		return []string{a.rpc, a.ofrep, file}
	}, false}
}

// flagdArgs are what flagd and the sidecar are started with.
func flagdArgs(a addresses, file string) []string {
	return []string{
		"start", "--uri", "file:" + file,
		"--port", port(a.rpc), "--management-port", port(a.management),
		"--sync-port", port(a.sync), "--ofrep-port", port(a.ofrep),
	}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// A server is a peer that runs.
type server struct {
	peer
	addresses
	*process.Process
}

// start starts a peer on a file, and returns when it gives the right answer to
// a question that only the file's newest state answers.
func (b *bench) start(ctx context.Context, p peer, pinned bool, file string) (*server, time.Duration, error) {
	found, err := process.Ports(4)
	if err != nil {
		return nil, 0, err
	}
	s := &server{peer: p, addresses: addresses{found[0], found[1], found[2], found[3]}}
	begin := time.Now()
	s.Process, err = process.Start(ctx, p.name, pinned, p.program, p.args(s.addresses, file)...)
	if err != nil {
		return nil, 0, err
	}
	if err := s.awaitRevision(ctx, 0); err != nil {
		s.Stop()
		return nil, 0, err
	}
	return s, time.Since(begin), nil
}

// awaitRevision waits until the server's answers are those of a revision of
// the document.
func (s *server) awaitRevision(ctx context.Context, revision int) error {
	const long = 5 * time.Minute
	q := ofrepQuestion(canary, nil)
	want := fmt.Sprintf(`"revision %d"`, revision)
	var conn *wire.Conn
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	return s.Await(ctx, long, "wait for "+want, func() bool {
		if conn == nil {
			var err error
			if conn, err = wire.Dial(ctx, s.ofrep, &q); err != nil {
				conn = nil
				return false
			}
		}
		a, err := conn.Ask(0)
		if err != nil {
			conn.Close()
			conn = nil
			return false
		}
		return strings.Contains(string(a.Body), want)
	})
}

// quiet waits until the server does next to nothing.
func (s *server) quiet(ctx context.Context) error {
	const (
		still = 200 * time.Millisecond
		noise = time.Millisecond
		long  = 2 * time.Minute
	)
	last, err := s.Used()
	if err != nil {
		return err
	}
	since := time.Now()
	return s.Await(ctx, long, "wait until it is quiet", func() bool {
		used, err := s.Used()
		if err != nil {
			return false
		}
		if used-last > noise {
			last, since = used, time.Now()
		}
		return time.Since(since) > still
	})
}

// replace puts a document into the place of a file, at once.
func replace(file string, document []byte) error {
	if err := os.WriteFile(file+".new", document, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
