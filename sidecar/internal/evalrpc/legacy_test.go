package evalrpc_test

import (
	"testing"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/schema/v1/schemav1connect"
	schema "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/schema/v1"
	"connectrpc.com/connect"

	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
)

//nolint:staticcheck // that these messages are deprecated is why they are tested
func TestOldClientsAreAnsweredAsVersion1(t *testing.T) {
	st, _ := flagtest.Store(t, flagtest.Document)
	address := serve(t, &evalrpc.Service{Store: st})
	for _, p := range protocols() {
		t.Run(p.name, func(t *testing.T) {
			client := schemav1connect.NewServiceClient(p.client(t), address, p.options...)
			ctx := streamContext(t)
			one, err := client.ResolveObject(ctx, connect.NewRequest(&schema.ResolveObjectRequest{FlagKey: "object"}))
			if err != nil || one.Msg.GetVariant() != "o" || one.Msg.GetValue().AsMap()["a"] == nil {
				t.Errorf("object is %v, %v", one, err)
			}
			_, err = client.ResolveBoolean(ctx, connect.NewRequest(&schema.ResolveBooleanRequest{FlagKey: "gone"}))
			if connect.CodeOf(err) != connect.CodeNotFound {
				t.Errorf("a flag that is not there: %v, want not_found", err)
			}
			bare, err := client.ResolveBoolean(ctx, connect.NewRequest(&schema.ResolveBooleanRequest{FlagKey: "by-email"}))
			if err != nil || bare.Msg.GetValue() || bare.Msg.GetReason() != "FALLBACK" {
				t.Errorf("a flag without a default variant is %v, %v, want false and FALLBACK", bare, err)
			}
			all, err := client.ResolveAll(ctx, connect.NewRequest(&schema.ResolveAllRequest{}))
			if err != nil || all.Msg.GetFlags()["text"].GetStringValue() != "hello" {
				t.Errorf("all flags are %v, %v", all, err)
			}
			stream, err := client.EventStream(ctx, connect.NewRequest(&schema.EventStreamRequest{}))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stream.Close() }()
			if !stream.Receive() || stream.Msg().GetType() != "provider_ready" {
				t.Errorf("the stream says %v, %v, want provider_ready", stream.Msg(), stream.Err())
			}
		})
	}
}
