package syncstream

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

// A listening value notes when anything arrives on the connections whose
// handshakes it makes: gRPC does not tell when a server acknowledged a ping.
type listening struct {
	credentials.TransportCredentials

	heard *atomic.Int64 // Unix time in nanoseconds
}

// ClientHandshake implements [credentials.TransportCredentials].
func (l listening) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return l.TransportCredentials.ClientHandshake(ctx, authority, heardConn{raw, l.heard})
}

// Clone implements [credentials.TransportCredentials].
func (l listening) Clone() credentials.TransportCredentials {
	return listening{l.TransportCredentials.Clone(), l.heard}
}

type heardConn struct {
	net.Conn

	heard *atomic.Int64
}

func (c heardConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}
