// Package natstest gives tests a NATS server: the real one, in the process, on
// loopback, with the accounts that Flagline runs with.
package natstest

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
)

// Environment is the one that readers of a server from [Start] see.
const Environment = "test"

// Start starts a server that ends with the test.
func Start(t testing.TB) *natsd.Server {
	t.Helper()
	return StartAt(t, t.TempDir(), "127.0.0.1:0")
}

// StartAt starts a server with its files in dir, listening on listen. A test
// that wants to see it go closes it by itself.
func StartAt(t testing.TB, dir, listen string) *natsd.Server {
	t.Helper()
	s, err := natsd.Start(t.Context(), natsd.Config{
		DataDir: dir, Listen: listen, Environments: []string{Environment},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Publisher connects as the owner of the environments.
func Publisher(t testing.TB, s *natsd.Server) *nats.Conn {
	t.Helper()
	return connect(t, s, s.PublisherFile())
}

// PublisherOver is [Publisher] through a link.
func PublisherOver(t testing.TB, s *natsd.Server, l *Link) *nats.Conn {
	t.Helper()
	opts, err := natslog.Options(t.Name(), s.PublisherFile())
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, l.URL(), opts)
}

// Reader connects as somebody who may only read.
func Reader(t testing.TB, s *natsd.Server) *nats.Conn {
	t.Helper()
	return connect(t, s, "")
}

func connect(t testing.TB, s *natsd.Server, credentials string) *nats.Conn {
	t.Helper()
	opts, err := natslog.Options(t.Name(), credentials)
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, s.URL(), opts)
}

// dial connects; what the server refuses later is the test's to notice.
func dial(t testing.TB, url string, opts []nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
