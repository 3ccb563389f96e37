// Package link carries TCP connections of tests to a server, and can be cut or
// frozen, as networks are.
package link

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Link carries connections to one server. Its methods may be called at once.
type Link struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	cut    bool
	frozen chan struct{} // closed when bytes flow again; nil while they do
	lose   []byte        // what the next client to say it gets no answer to; nil is nothing
	conns  map[net.Conn]bool
	done   sync.WaitGroup
}

// New opens a link to the server at target, host:port, that ends with the test.
func New(t testing.TB, target string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, target: target, conns: make(map[net.Conn]bool)}
	l.done.Go(l.accept)
	t.Cleanup(func() {
		listener.Close()
		l.Thaw()
		l.Cut()
		l.done.Wait()
	})
	return l
}

// Address is where the link takes connections, as host:port.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Cut ends all connections and refuses new ones.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.conns {
		c.Close()
	}
}

// Restore takes connections again.
func (l *Link) Restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

// Freeze keeps connections open and lets no byte through, as when a host on the
// way has vanished without a word.
func (l *Link) Freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen == nil {
		l.frozen = make(chan struct{})
	}
}

// Thaw ends what [Link.Freeze] began.
func (l *Link) Thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

// thawed waits while the link is frozen.
func (l *Link) thawed() {
	l.mu.Lock()
	frozen := l.frozen
	l.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

// LoseAnswerTo ends the connection on which a client next says text, in the
// moment the server answers, and loses the answer.
func (l *Link) LoseAnswerTo(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = []byte(text)
}

func (l *Link) accept() {
	for {
		from, err := l.listener.Accept()
		if err != nil {
			return
		}
		to, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
		if err != nil || !l.keep(from, to) {
			from.Close()
			if err == nil {
				to.Close()
			}
			continue
		}
		said := new(atomic.Bool) // that the answer is to be lost
		l.done.Go(func() { l.carry(from, to, func(data []byte) bool { l.listen(data, said); return true }) })
		l.done.Go(func() { l.carry(to, from, func([]byte) bool { return !said.Load() }) })
	}
}

func (l *Link) listen(data []byte, said *atomic.Bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lose != nil && bytes.Contains(data, l.lose) {
		l.lose = nil
		said.Store(true)
	}
}

func (l *Link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return false
	}
	for _, c := range conns {
		l.conns[c] = true
	}
	return true
}

// carry copies until either side ends, or pass says no.
func (l *Link) carry(from, to net.Conn, pass func([]byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !pass(buf[:n]) {
			break
		}
		l.thawed()
		if _, err := to.Write(buf[:n]); err != nil {
			break
		}
	}
	from.Close()
	to.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, from)
}
