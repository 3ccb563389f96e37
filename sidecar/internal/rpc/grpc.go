package rpc

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func unaryMethod[Q, A any](
	service, method string, answer func(context.Context, Headers, *Q) (*A, error),
) *grpc.MethodDesc {
	path := "/" + service + "/" + method
	answered := func(ctx context.Context, q any) (any, error) {
		asked, _ := q.(*Q) // interceptors pass on what they were given
		a, err := answer(ctx, incoming{ctx}, asked)
		if err != nil {
			return nil, overGRPC(err)
		}
		if name, value := mark(a); name != "" {
			_ = grpc.SetHeader(ctx, metadata.Pairs(name, value)) // it can only come too late, and does not
		}
		return a, nil
	}
	return &grpc.MethodDesc{
		MethodName: method,
		Handler: func(
			server any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor,
		) (any, error) {
			q := new(Q)
			if err := decode(q); err != nil {
				return nil, malformed(err)
			}
			if intercept == nil {
				return answered(ctx, q)
			}
			return intercept(ctx, q, &grpc.UnaryServerInfo{Server: server, FullMethod: path}, answered)
		},
	}
}

func streamMethod[Q, A any](
	method string, serve func(ctx context.Context, h Headers, q *Q, send func(*A) error) error,
) *grpc.StreamDesc {
	return &grpc.StreamDesc{
		StreamName: method, ServerStreams: true,
		Handler: func(_ any, stream grpc.ServerStream) error {
			q := new(Q)
			if err := stream.RecvMsg(q); err != nil {
				return malformed(err)
			}
			ctx := stream.Context()
			begun := false
			return overGRPC(serve(ctx, incoming{ctx}, q, func(a *A) error {
				if name, value := mark(a); name != "" && !begun {
					_ = stream.SetHeader(metadata.Pairs(name, value))
				}
				begun = true
				return stream.SendMsg(a)
			}))
		},
	}
}

// malformed is what a request that could not be read is answered with. grpc-go
// takes that for a mistake of its own.
func malformed(err error) error {
	if s := status.Convert(err); s.Code() == codes.Internal {
		return status.Error(codes.InvalidArgument, s.Message())
	}
	return err
}

// All returns all headers of a request, which must not be changed.
func All(headers Headers) map[string][]string {
	switch h := headers.(type) {
	case http.Header:
		return h
	case incoming:
		md, _ := metadata.FromIncomingContext(h.ctx)
		return md
	}
	return nil
}

// incoming are the headers of a gRPC request.
type incoming struct{ ctx context.Context } //nolint:containedctx // for the length of a call

func (in incoming) Values(name string) []string {
	return metadata.ValueFromIncomingContext(in.ctx, name)
}

func overGRPC(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return status.Error(codes.Code(refusal.Code), refusal.Text)
	}
	return err
}

func overConnect(err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return connect.NewError(refusal.Code, errors.New(refusal.Text))
	}
	return err
}
