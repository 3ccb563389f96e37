package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	evaluationv1grpc "buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	evaluationv2grpc "buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"github.com/nats-io/nats.go"
	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/flagline/flagline/provider"
)

// A door is a way to ask for the flag "probe".
type door struct {
	name string
	ask  func(context.Context) (string, error)
}

// doors opens them all. The first is the floor.
func (b *bench) doors(ctx context.Context) ([]door, error) {
	floor, err := b.floor()
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(b.addrs.Evaluation, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, func() { conn.Close() })
	v1, v2 := evaluationv1grpc.NewServiceClient(conn), evaluationv2grpc.NewServiceClient(conn)

	src, err := b.source("provider")
	if err != nil {
		return nil, err
	}
	inProcess, err := b.provider(ctx, "provider, in-process", provider.WithSource(src))
	if err != nil {
		return nil, err
	}
	beside, err := b.provider(ctx, "provider, sidecar", provider.WithSidecar(b.addrs.Evaluation))
	if err != nil {
		return nil, err
	}
	return []door{
		floor,
		inProcess,
		{"OFREP", b.ofrep},
		{"gRPC evaluation.v1", func(ctx context.Context) (string, error) {
			r, err := v1.ResolveString(ctx, &evaluationv1.ResolveStringRequest{FlagKey: "probe"})
			return r.GetValue(), err
		}},
		{"gRPC evaluation.v2", func(ctx context.Context) (string, error) {
			r, err := v2.ResolveString(ctx, &evaluationv2.ResolveStringRequest{FlagKey: "probe"})
			return r.GetValue(), err
		}},
		beside,
	}, nil
}

// floor is a plain subscription to the republished records. It answers with
// the probe's value once the head that closes its change has come.
func (b *bench) floor() (door, error) {
	nc, err := nats.Connect(b.server.URL())
	if err != nil {
		return door{}, err
	}
	b.closers = append(b.closers, nc.Close)
	sub, err := nc.SubscribeSync("flagline." + environment + ".changes.>")
	if err != nil {
		return door{}, err
	}
	if err := nc.Flush(); err != nil {
		return door{}, err
	}
	var value string
	return door{"NATS subscription (floor)", func(ctx context.Context) (string, error) {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil || msg.Header.Get("Nats-Subject") == "$KV.flags-"+environment+".head" {
			return value, err
		}
		var flag struct{ Variants map[string]string }
		err = json.Unmarshal(msg.Data, &flag)
		value = flag.Variants["v"]
		return "", err
	}}, nil
}

func (b *bench) ofrep(ctx context.Context) (string, error) {
	url := "http://" + b.addrs.OFREP + "/ofrep/v1/evaluate/flags/probe"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(`{"context":{}}`)))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct{ Value string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("decode: %w", err)
	}
	return answer.Value, nil
}

func (b *bench) provider(ctx context.Context, name string, opt provider.Option) (door, error) {
	p, err := provider.New(opt)
	if err != nil {
		return door{}, err
	}
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		return door{}, err
	}
	b.closers = append(b.closers, func() { _ = api.Shutdown(context.WithoutCancel(ctx)) })
	client := api.NewClient()
	return door{name, func(ctx context.Context) (string, error) {
		// An answer from memory takes a microsecond: asked without pause, it
		// would leave the rest of the process no processor.
		time.Sleep(50 * time.Microsecond)
		return client.StringValue(ctx, "probe", "", openfeature.EvaluationContext{})
	}}, nil
}
