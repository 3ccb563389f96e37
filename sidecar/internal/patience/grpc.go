package patience

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"
)

// ServerOptions are what [Handler] is for a server of grpc-go. A call whose
// request is not there within read is ended. Who does not take a message of a
// stream within write is hung up on, with all calls of that connection: what is
// queued for it is kept by the connection, not by the call. (Answers of unary calls
// are queued and forgotten: for these there is only the number of calls that a
// connection may have under way, and their end with it.) Before anything of a
// request is read, allowed is asked; its error is the answer.
func ServerOptions(read, write time.Duration, allowed func(context.Context, *tap.Info) error) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(known{insecure.NewCredentials()}),
		grpc.InTapHandle(func(ctx context.Context, info *tap.Info) (context.Context, error) {
			if err := allowed(ctx, info); err != nil {
				return nil, err
			}
			return begin(ctx, read), nil
		}),
		grpc.ChainUnaryInterceptor(func(
			ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler,
		) (any, error) {
			arrived(ctx)
			return next(ctx, req)
		}),
		grpc.ChainStreamInterceptor(func(
			server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler,
		) error {
			return next(server, &patient{ServerStream: stream, patience: write})
		}),
	}
}

// waiting is the key of what ends the wait for a request that has arrived.
type waiting struct{}

// begin returns a context that ends unless the request arrives in time.
func begin(ctx context.Context, read time.Duration) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(read, cancel)
	// Calls that end before their request has arrived leave nothing behind.
	forget := context.AfterFunc(ctx, func() { late.Stop() })
	return context.WithValue(ctx, waiting{}, func() {
		late.Stop()
		forget()
	})
}

func arrived(ctx context.Context) {
	if stop, ok := ctx.Value(waiting{}).(func()); ok {
		stop()
	}
}

// A patient stream waits for its request, and for who reads it, no longer than
// it has to.
type patient struct {
	grpc.ServerStream

	patience time.Duration
}

func (s *patient) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	arrived(s.Context())
	return err
}

func (s *patient) SendMsg(m any) error {
	slow := time.AfterFunc(s.patience, func() {
		if p, ok := peer.FromContext(s.Context()); ok {
			if c, ok := p.AuthInfo.(connection); ok {
				_ = c.Close() // the server finds out by itself
			}
		}
	})
	defer slow.Stop()
	return s.ServerStream.SendMsg(m)
}

// known are credentials by which a call finds its connection. The connection has
// been encrypted, or not, before it comes here.
type known struct {
	credentials.TransportCredentials
}

func (known) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, connection{conn}, nil
}

func (k known) Clone() credentials.TransportCredentials { return k }

type connection struct{ net.Conn }

func (connection) AuthType() string { return "connection" }
