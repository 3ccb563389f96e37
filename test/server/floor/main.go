// Command floor serves constants: what a transport costs when nothing is done
// behind it. Nobody who speaks it can be cheaper.
//
//	floor http ADDRESS FOLDER    each file of the folder at its name, by net/http
//	floor grpc ADDRESS           a boolean and a text, by grpc-go
//	floor connect ADDRESS        a boolean, by connect-go
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"connectrpc.com/connect"
	"google.golang.org/grpc"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%d arguments, want what to serve and where", len(args))
	}
	l, err := net.Listen("tcp", args[1])
	if err != nil {
		return err
	}
	switch {
	case args[0] == "http" && len(args) == 3:
		mux, err := files(args[2])
		if err != nil {
			return err
		}
		return http.Serve(l, mux)
	case args[0] == "grpc":
		s := grpc.NewServer()
		evaluationv1grpc.RegisterServiceServer(s, constantGRPC{})
		return s.Serve(l)
	case args[0] == "connect":
		mux := http.NewServeMux()
		mux.Handle(evaluationv1connect.NewServiceHandler(constantConnect{}))
		return http.Serve(l, mux)
	}
	return fmt.Errorf("cannot serve %q", args[0])
}

// files answers with what is in the files of a folder. One that is empty is an
// answer that has not changed.
func files(folder string) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		body, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		mux.HandleFunc("/"+entry.Name(), func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if len(body) == 0 {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		})
	}
	return mux, nil
}

type constantGRPC struct {
	evaluationv1grpc.UnimplementedServiceServer
}

// ResolveBoolean always says on.
func (constantGRPC) ResolveBoolean(context.Context, *evaluationv1.ResolveBooleanRequest) (*evaluationv1.ResolveBooleanResponse, error) {
	return &evaluationv1.ResolveBooleanResponse{Value: true, Reason: "STATIC", Variant: "on"}, nil
}

// ResolveString always says on.
func (constantGRPC) ResolveString(context.Context, *evaluationv1.ResolveStringRequest) (*evaluationv1.ResolveStringResponse, error) {
	return &evaluationv1.ResolveStringResponse{Value: "on of endswith-0000", Reason: "TARGETING_MATCH", Variant: "on"}, nil
}

type constantConnect struct {
	evaluationv1connect.UnimplementedServiceHandler
}

// ResolveBoolean always says on.
func (constantConnect) ResolveBoolean(context.Context, *connect.Request[evaluationv1.ResolveBooleanRequest]) (*connect.Response[evaluationv1.ResolveBooleanResponse], error) {
	return connect.NewResponse(&evaluationv1.ResolveBooleanResponse{Value: true, Reason: "STATIC", Variant: "on"}), nil
}
