package sourcetest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// A Link carries TCP connections to a server that a source reads from, and can
// be cut or frozen, as networks are.
type Link struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu     sync.Mutex
	cut    bool
	frozen chan struct{} // closed when bytes flow again; nil while they do
	conns  map[net.Conn]bool
}

// NewLink opens a link to the server at target, host:port, that ends with the
// test.
func NewLink(t testing.TB, target string) *Link {
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

// Freeze keeps connections open and lets no byte through, as when a host on
// the way has vanished without a word.
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

func (l *Link) accept() {
	for {
		from, err := l.listener.Accept()
		if err != nil {
			return
		}
		to, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
		if err != nil {
			from.Close()
			continue
		}
		if !l.keep(from, to) {
			from.Close()
			to.Close()
			continue
		}
		l.done.Go(func() { l.carry(from, to) })
		l.done.Go(func() { l.carry(to, from) })
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

// carry copies until either side ends.
func (l *Link) carry(from, to net.Conn) {
	_, _ = io.Copy(thawing{to, l}, from) // however it ended, it did
	from.Close()
	to.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, from)
}

// A thawing writer writes while its link is not frozen.
type thawing struct {
	io.Writer
	link *Link
}

func (w thawing) Write(data []byte) (int, error) {
	w.link.mu.Lock()
	frozen := w.link.frozen
	w.link.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	return w.Writer.Write(data)
}
