package sidecar

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/rpc"
)

// A watch times the calls of procedures, in whichever protocol they come.
type watch struct {
	calls map[string]*manage.RPC // by path
}

func newWatch(m *manage.Service, procedures rpc.Procedures) *watch {
	w := &watch{calls: make(map[string]*manage.RPC, len(procedures))}
	for _, p := range procedures {
		w.calls[p.Path()] = m.RPC(p.Service(), p.Method())
	}
	return w
}

// route names what a request over HTTP asks for, and others not at all.
func (w *watch) route(r *http.Request) string {
	if _, ok := w.calls[r.URL.Path]; ok || r.URL.Path == documentPath {
		return r.URL.Path
	}
	return ""
}

func (w *watch) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	started := time.Now()
	answer, err := next(ctx, req)
	w.done(info.FullMethod, manage.GRPC, status.Code(err), started)
	return answer, err
}

func (w *watch) stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	started := time.Now()
	err := next(server, stream)
	w.done(info.FullMethod, manage.GRPC, status.Code(err), started)
	return err
}

func (w *watch) done(path string, protocol manage.Protocol, code codes.Code, started time.Time) {
	if call, ok := w.calls[path]; ok {
		call.Done(protocol, code, started)
	}
}

// WrapUnary implements [connect.Interceptor].
func (w *watch) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		started := time.Now()
		answer, err := next(ctx, req)
		w.done(req.Spec().Procedure, protocolOf(req.Peer()), codeOf(err), started)
		return answer, err
	}
}

// WrapStreamingHandler implements [connect.Interceptor].
func (w *watch) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		started := time.Now()
		err := next(ctx, conn)
		w.done(conn.Spec().Procedure, protocolOf(conn.Peer()), codeOf(err), started)
		return err
	}
}

// WrapStreamingClient implements [connect.Interceptor]; nobody calls from here.
func (w *watch) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func protocolOf(peer connect.Peer) manage.Protocol {
	switch peer.Protocol {
	case connect.ProtocolGRPC:
		return manage.GRPC
	case connect.ProtocolGRPCWeb:
		return manage.GRPCWeb
	default:
		return manage.Connect
	}
}

// codeOf returns the code of an error, which gRPC and Connect number alike.
func codeOf(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	return codes.Code(connect.CodeOf(err))
}
