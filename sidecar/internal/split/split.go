// Package split lets two servers share one listener: grpc-go's, which serves gRPC
// at less than half the cost of net/http, and an HTTP server for everything else.
//
// Which of them gets a connection is decided by its first request. A connection
// on which a client of gRPC makes its first call stays with grpc-go, which knows
// nothing else; that is how these clients use connections. Others speak several
// protocols, and proxies mix the requests of many clients: what they begin goes to
// the HTTP server, which understands them all.
package split

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// A Splitter hands out the connections of one listener.
type Splitter struct {
	listener   net.Listener
	patience   time.Duration
	idle       time.Duration
	grpc, http *queue
	closed     chan struct{}
	closing    sync.Once
	waiting    sync.WaitGroup
}

// New splits what listener accepts. Who has not said after patience which protocol
// it speaks is hung up on, and so is who speaks HTTP/2 and is idle for longer than
// that, which some clients are before their first request; pings are answered.
func New(listener net.Listener, patience, idle time.Duration) *Splitter {
	closed := make(chan struct{})
	return &Splitter{
		listener: listener, patience: patience, idle: idle, closed: closed,
		grpc: newQueue(listener.Addr(), closed), http: newQueue(listener.Addr(), closed),
	}
}

// GRPC returns the listener of connections that carry nothing but gRPC.
func (s *Splitter) GRPC() net.Listener { return s.grpc }

// HTTP returns the listener of all others, to be served with HTTP/1.1 and, in
// the clear, HTTP/2: also if the original listener speaks TLS, which has been
// taken off them.
func (s *Splitter) HTTP() net.Listener { return s.http }

// Serve accepts until [Splitter.Close] is called, and then returns nil. When it
// returns, no connection is in its hands any more.
func (s *Splitter) Serve() error {
	defer s.waiting.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		conn, err := s.listener.Accept()
		switch {
		case err == nil:
			s.waiting.Go(func() { s.place(ctx, conn) })
		case s.isClosed():
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			// Too many open files, most likely: whoever has them will close some.
			s.pause()
		}
	}
}

// place gives conn to one of the servers, or ends it.
func (s *Splitter) place(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	placed, isGRPC, err := look(conn, s.patience, s.idle)
	if !stop() || err != nil {
		_ = conn.Close() // there is nobody to tell
		return
	}
	to := s.http
	if isGRPC {
		to = s.grpc
	}
	to.put(placed)
}

// Close stops accepting. Connections that have been handed out stay open.
func (s *Splitter) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		err = s.listener.Close()
	})
	return err
}

func (s *Splitter) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *Splitter) pause() {
	wait := time.NewTimer(50 * time.Millisecond)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-s.closed:
	}
}

// A queue is one of the two listeners.
type queue struct {
	addr    net.Addr
	conns   chan net.Conn
	closed  <-chan struct{} // of the splitter
	done    chan struct{}   // of this listener
	closing sync.Once
}

func newQueue(addr net.Addr, closed <-chan struct{}) *queue {
	return &queue{addr: addr, conns: make(chan net.Conn), closed: closed, done: make(chan struct{})}
}

func (q *queue) put(conn net.Conn) {
	select {
	case q.conns <- conn:
	case <-q.done:
		_ = conn.Close()
	case <-q.closed:
		_ = conn.Close()
	}
}

// Accept implements [net.Listener].
func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.closed:
	case <-q.done:
	}
	return nil, net.ErrClosed
}

// Close implements [net.Listener]: connections that would come here are ended.
func (q *queue) Close() error {
	q.closing.Do(func() { close(q.done) })
	return nil
}

// Addr implements [net.Listener].
func (q *queue) Addr() net.Addr { return q.addr }
