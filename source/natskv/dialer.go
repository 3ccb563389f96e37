package natskv

import (
	"context"
	"net"
	"time"
)

// parting is how long a connection may still hear from its server when the watch
// has ended.
const parting = 100 * time.Millisecond

// A tiedDialer makes connections that hear nothing any more once a watch has ended:
// the client of NATS would otherwise wait seconds for a server that takes a
// connection and says nothing, also when nobody wants it to.
type tiedDialer struct {
	ctx context.Context //nolint:containedctx // the client has no place for one
}

// Dial implements [nats.CustomDialer].
func (d tiedDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &tiedConn{Conn: conn, untie: context.AfterFunc(d.ctx, func() {
		_ = conn.SetReadDeadline(time.Now().Add(parting))
	})}, nil
}

type tiedConn struct {
	net.Conn

	untie func() bool
}

func (c *tiedConn) Close() error {
	c.untie()
	return c.Conn.Close()
}
