package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/test/compare/workload"
	"github.com/flagline/flagline/test/server/wire"
)

const resolveString = "/flagd.evaluation.v1.Service/ResolveString"

// bare asks with bytes that were put together before, on a connection of its own
// to address, and looks for the right text in the answer: what the system takes
// for a request and its answer, and nearly nothing beside.
func (b *bench) bare(ctx context.Context, name, address string, question func(map[string]any) (*wire.Question, error)) *way {
	open := func(s subject) (*wire.Conn, error) {
		q, err := question(s.attributes)
		if err != nil {
			return nil, err
		}
		conn, err := wire.Dial(ctx, address, q)
		if err == nil {
			b.atEnd(conn.Close)
		}
		return conn, err
	}
	return &way{
		name: name,
		decide: func(_ context.Context, _ workload.Flag, s subject) (decision, error) {
			conn, err := open(s)
			if err != nil {
				return decision{}, err
			}
			a, err := conn.Ask(0)
			for _, text := range []string{wantEndswith, missEndswith} {
				if bytes.Contains(a.Body, []byte(text)) {
					return decision{Value: text}, err
				}
			}
			return decision{}, err
		},
		loop: func(_ context.Context, _ workload.Flag, of *audience) func(n int) error {
			conn, err := open(*of.next())
			want := []byte(wantEndswith)
			return func(n int) error {
				for range n {
					if err != nil {
						return err
					}
					var a wire.Answer
					if a, err = conn.Ask(0); err == nil && !bytes.Contains(a.Body, want) {
						err = fmt.Errorf("the answer is %q", a.Body)
					}
				}
				return err
			}
		},
	}
}

func onHTTP2(attributes map[string]any) (*wire.Question, error) {
	described, err := structpb.NewStruct(attributes)
	if err != nil {
		return nil, err
	}
	body, err := proto.Marshal(&evaluationv1.ResolveStringRequest{FlagKey: endswith.Key, Context: described})
	return &wire.Question{GRPC: true, Path: resolveString, Body: body}, err
}

func onHTTP1(attributes map[string]any) (*wire.Question, error) {
	body, err := json.Marshal(map[string]any{"flagKey": endswith.Key, "context": attributes})
	return &wire.Question{Path: resolveString, Body: body}, err
}
