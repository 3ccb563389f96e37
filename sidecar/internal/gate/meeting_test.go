package gate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/sidecar/internal/gate"
)

// A journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

// open opens a gate with a log that can be read.
func open(t *testing.T, c gate.Config) (*gate.Gate, *journal) {
	t.Helper()
	log := new(journal)
	g, err := gate.Open(t.Context(), "evaluation", c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, log
}

// A meeting is a connection from both of its ends.
type meeting struct{ client, server *tls.Conn }

// meet lets a client through the gate, or says why the client or the gate did
// not want to.
func meet(t *testing.T, g *gate.Gate, cfg *tls.Config) (*meeting, error) {
	t.Helper()
	type result struct {
		conn *tls.Conn
		err  error
	}
	called := make(chan result)
	go func() {
		conn, err := (&tls.Dialer{Config: cfg}).DialContext(context.Background(), "tcp", g.Address())
		if err != nil {
			called <- result{nil, err}
			return
		}
		called <- result{conn.(*tls.Conn), nil}
	}()
	accepted, err := g.Listener().Accept()
	if err != nil {
		t.Fatal(err)
	}
	server := accepted.(*tls.Conn)
	refused := server.HandshakeContext(context.Background())
	if refused != nil {
		_ = server.Close()
	}
	client := <-called
	if err := errors.Join(refused, client.err); err != nil {
		_ = server.Close()
		if client.conn != nil {
			_ = client.conn.Close()
		}
		return nil, err
	}
	m := &meeting{client.conn, server}
	t.Cleanup(m.part)
	return m, nil
}

func (m *meeting) part() {
	_ = m.client.Close()
	_ = m.server.Close()
}

// shown returns the name of the certificate that the gate showed.
func (m *meeting) shown() string {
	return m.client.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// speak sends a byte and receives it.
func (m *meeting) speak(t *testing.T) {
	t.Helper()
	got := make([]byte, 1)
	if _, err := m.client.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(m.server, got); err != nil || got[0] != '!' {
		t.Fatalf("the gate reads %q, %v", got, err)
	}
}

// name lets a client through that trusts a, and returns whom it met.
func name(t *testing.T, g *gate.Gate, a *authority) string {
	t.Helper()
	m, err := meet(t, g, &tls.Config{RootCAs: a.pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer m.part()
	return m.shown()
}

// pass lets the clock of a bubble run, and the gate do what it does then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
