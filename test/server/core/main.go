// Command core serves flagd's core as plainly as it can be served: its file
// source, store and evaluator behind the transports that flagd uses, connect-go
// for RPC and net/http for OFREP, and nothing else. No metrics, no traces, no
// compression, no tags, no selectors, no streams.
//
// It stands in for flagd where flagd's own server cannot be had. That does all
// of this and more.
//
//	core RPC-ADDRESS OFREP-ADDRESS FILE
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"github.com/open-feature/flagd/core/pkg/sync/file"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "core:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want two addresses and a file", len(args))
	}
	core, problems, err := follow(context.Background(), args[2])
	if err != nil {
		return err
	}
	s := &server{core: core}
	rpc := http.NewServeMux()
	rpc.Handle(evaluationv1connect.NewServiceHandler(s))
	go func() { problems <- serve(args[0], rpc) }()
	ofrep := http.NewServeMux()
	ofrep.HandleFunc("POST /ofrep/v1/evaluate/flags/{key}", s.single)
	ofrep.HandleFunc("POST /ofrep/v1/evaluate/flags", s.bulk)
	go func() { problems <- serve(args[1], ofrep) }()
	return <-problems
}

func serve(address string, handler http.Handler) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := http.Server{Handler: handler, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s.Serve(l)
}

// follow keeps an evaluator at what a file says, as flagd does with its default
// file source, and tells of the first problem.
func follow(ctx context.Context, path string) (*evaluator.JSON, chan error, error) {
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{path})
	if err != nil {
		return nil, nil, err
	}
	core := evaluator.NewJSON(log, flags)
	source := file.NewFileSync(path, file.FSNOTIFY, 0, log)
	if err := source.Init(ctx); err != nil {
		return nil, nil, err
	}
	states, problems := make(chan sync.DataSync, 1), make(chan error, 4)
	go func() { problems <- source.Sync(ctx, states) }()
	go func() {
		for state := range states {
			if err := core.SetState(state); err != nil {
				problems <- err
			}
		}
	}()
	return core, problems, nil
}
