// Package rpc serves procedures over gRPC, gRPC-Web and Connect. Each procedure
// is described once, with messages that write and read themselves: grpc-go
// serves those who speak nothing but gRPC, and connect-go everybody else.
package rpc

import (
	"context"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
)

// A Message is what a procedure answers. It writes itself as protobuf, or as
// protobuf's JSON.
type Message interface {
	AppendWire(b []byte) []byte
	AppendText(b []byte) []byte
}

// A Request is what a procedure is asked. It reads itself from protobuf, or from
// protobuf's JSON. It keeps nothing of data.
type Request interface {
	ReadWire(data []byte) error
	ReadText(data []byte) error
}

// Marked is a [Message] that says something in a header, too: an answer in that
// before it, and the first of many in that of them all. Without a name there is
// none.
type Marked interface {
	Message

	Mark() (name, value string)
}

func mark(answer any) (name, value string) {
	if m, ok := answer.(Marked); ok {
		return m.Mark()
	}
	return "", ""
}

// Headers are those of a request. Names are found in any case.
type Headers interface{ Values(name string) []string }

// A Refusal is an answer that is an error.
type Refusal struct {
	Code connect.Code // gRPC numbers its codes alike
	Text string       // for whoever asked
}

func (r *Refusal) Error() string { return r.Text }

// A Procedure is one method of one service.
type Procedure struct {
	service, method string
	handler         func(path string, options ...connect.HandlerOption) *connect.Handler
	unary           *grpc.MethodDesc // or
	stream          *grpc.StreamDesc
}

// Service is the full name of the service.
func (p Procedure) Service() string { return p.service }

// Method is the name of the procedure in its service.
func (p Procedure) Method() string { return p.method }

// Path is where the procedure is called, over any protocol.
func (p Procedure) Path() string { return "/" + p.service + "/" + p.method }

// Unary describes a procedure that answers once. If answer returns a [*Refusal],
// that is what is answered; other errors are for whoever asked, too.
func Unary[Q, A any](
	service, method string, answer func(context.Context, Headers, *Q) (*A, error),
) Procedure {
	return Procedure{
		service: service, method: method,
		handler: func(path string, options ...connect.HandlerOption) *connect.Handler {
			return connect.NewUnaryHandler(path, func(
				ctx context.Context, req *connect.Request[Q],
			) (*connect.Response[A], error) {
				a, err := answer(ctx, req.Header(), req.Msg)
				if err != nil {
					return nil, overConnect(err)
				}
				response := connect.NewResponse(a)
				if name, value := mark(a); name != "" {
					response.Header().Set(name, value)
				}
				return response, nil
			}, options...)
		},
		unary: unaryMethod(service, method, answer),
	}
}

// ServerStream describes a procedure that answers any number of times. It ends
// when serve returns; if that is a [*Refusal], with that.
func ServerStream[Q, A any](
	service, method string, serve func(ctx context.Context, h Headers, q *Q, send func(*A) error) error,
) Procedure {
	return Procedure{
		service: service, method: method,
		handler: func(path string, options ...connect.HandlerOption) *connect.Handler {
			return connect.NewServerStreamHandler(path, func(
				ctx context.Context, req *connect.Request[Q], stream *connect.ServerStream[A],
			) error {
				return overConnect(serve(ctx, req.Header(), req.Msg, func(a *A) error {
					if name, value := mark(a); name != "" {
						stream.ResponseHeader().Set(name, value) // without effect after the first
					}
					return stream.Send(a)
				}))
			}, options...)
		},
		stream: streamMethod(method, serve),
	}
}

// Procedures are all methods of some services.
type Procedures []Procedure

// Handle has mux handle all procedures for Connect and gRPC-Web, and for gRPC as
// well. It is to be served over HTTP/1.1 and HTTP/2.
func (ps Procedures) Handle(mux *http.ServeMux, options ...connect.HandlerOption) {
	options = append([]connect.HandlerOption{
		connect.WithCodec(codec{name: "proto"}),
		connect.WithCodec(codec{name: "json", text: true}),
		connect.WithCodec(codec{name: "json; charset=utf-8", text: true}),
	}, options...)
	for _, p := range ps {
		mux.Handle(p.Path(), p.handler(p.Path(), options...))
	}
}

// Register registers all procedures with a gRPC server that was made to use
// [Codec].
func (ps Procedures) Register(server *grpc.Server) {
	services := map[string]*grpc.ServiceDesc{}
	for _, p := range ps {
		desc, ok := services[p.service]
		if !ok {
			desc = &grpc.ServiceDesc{ServiceName: p.service}
			services[p.service] = desc
		}
		if p.unary != nil {
			desc.Methods = append(desc.Methods, *p.unary)
		} else {
			desc.Streams = append(desc.Streams, *p.stream)
		}
	}
	for _, desc := range services {
		server.RegisterService(desc, nil) // the methods know whose they are
	}
}
