package provider

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"
)

// How the connection to the sidecar is kept. Pings are no more frequent than
// gRPC servers put up with, and a sidecar on the same machine is missed
// sooner, by its closed socket.
const (
	dialTimeout = 5 * time.Second
	pingAfter   = 30 * time.Second
	pingTimeout = 10 * time.Second
)

// A sidecar mode asks a flagd-compatible server for each answer.
//
// It speaks gRPC and not the Connect protocol over HTTP/1.1, because then the
// event stream and all evaluations share one HTTP/2 connection: there is
// nothing to pool, a loss is noticed once and for all of them, and every
// server and proxy made for flagd understands it.
type sidecar struct {
	client   evaluationv2connect.ServiceClient
	address  string
	deadline time.Duration
	backoff  backoff
}

// newSidecar returns a mode whose connections end with ctx.
func newSidecar(ctx context.Context, s settings) *sidecar {
	return &sidecar{
		client: evaluationv2connect.NewServiceClient(
			&http.Client{Transport: transport(ctx, s.network, s.address)},
			"http://"+authority(s.network, s.address),
			connect.WithGRPC(),
		),
		address:  s.address,
		deadline: s.deadline,
		backoff:  backoff{least: s.minBackoff, most: s.maxBackoff},
	}
}

func authority(network, address string) string {
	if network == "unix" {
		return "localhost"
	}
	return address
}

func transport(ctx context.Context, network, address string) *http.Transport {
	dialer := net.Dialer{Timeout: dialTimeout}
	t := &http.Transport{
		DialContext: func(dial context.Context, _, _ string) (net.Conn, error) {
			c, err := dialer.DialContext(dial, network, address)
			if err != nil {
				return nil, err
			}
			return closedWith(ctx, c), nil
		},
		HTTP2:     &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		Protocols: new(http.Protocols),
	}
	t.Protocols.SetUnencryptedHTTP2(true)
	return t
}

// A boundConn closes when the context that it was bound to is done, so that
// no evaluation keeps a connection past the end of the provider.
type boundConn struct {
	net.Conn
	release func() bool
}

func closedWith(ctx context.Context, c net.Conn) net.Conn {
	return &boundConn{Conn: c, release: context.AfterFunc(ctx, func() { _ = c.Close() })}
}

func (c *boundConn) Close() error {
	c.release()
	return c.Conn.Close()
}

// follow keeps an event stream open until ctx is done.
func (m *sidecar) follow(ctx context.Context, tell teller) {
	tell(report{err: fmt.Errorf("sidecar %s: %w", m.address, errSilent)})
	for ctx.Err() == nil {
		opened := time.Now()
		err := m.listen(ctx, tell)
		tell(report{err: fmt.Errorf("sidecar %s: %w", m.address, err)})

		retry := time.NewTimer(m.backoff.next(time.Since(opened)))
		select {
		case <-retry.C:
		case <-ctx.Done():
			retry.Stop()
		}
	}
}

var (
	errSilent        = errors.New("it has not answered yet")
	errStreamEnded   = errors.New("the event stream has ended")
	errServerLeaving = errors.New("the server is shutting down")
)

// listen opens the event stream and tells what it says, until it ends.
func (m *sidecar) listen(ctx context.Context, tell teller) error {
	stream, err := m.client.EventStream(ctx, connect.NewRequest(&evaluationv2.EventStreamRequest{}))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		switch msg := stream.Msg(); msg.GetType() {
		case "provider_ready":
			// What changed while nobody listened is anyone's guess.
			tell(report{usable: true, current: true, changes: changes{unknown: true}})
		case "configuration_change":
			tell(report{usable: true, current: true, changes: changesIn(msg.GetData())})
		case "provider_shutdown":
			return errServerLeaving
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	return errStreamEnded
}

// changesIn reads the body of a change message, {"flags": {key: {…}}}.
func changesIn(data *structpb.Struct) changes {
	flags := data.GetFields()["flags"].GetStructValue().GetFields()
	if len(flags) == 0 {
		return changes{unknown: true}
	}
	return changesOf(flags)
}

// A backoff says how long to wait before the next attempt.
type backoff struct {
	least, most time.Duration
	wait        time.Duration // the last answer
}

// next returns the wait after an attempt that lasted so long. It doubles,
// unless the attempt held for a while: a proxy that ends each stream at once
// must not be asked in a tight loop.
func (b *backoff) next(lasted time.Duration) time.Duration {
	if b.wait == 0 || lasted > b.most {
		b.wait = b.least
	} else {
		b.wait = min(2*b.wait, b.most)
	}
	return b.wait
}
