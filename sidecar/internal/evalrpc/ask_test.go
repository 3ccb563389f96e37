package evalrpc_test

import (
	"testing"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"
)

func askV1(t *testing.T, c evaluationv1connect.ServiceClient, asked doubt) reply {
	t.Helper()
	ctx, ec := t.Context(), toStruct(t, asked.context)
	switch asked.kind {
	case "bool":
		r, err := c.ResolveBoolean(ctx, connect.NewRequest(&evalv1.ResolveBooleanRequest{FlagKey: asked.key, Context: ec}))
		return replyV1(r, err, (*evalv1.ResolveBooleanResponse).GetValue)
	case "text":
		r, err := c.ResolveString(ctx, connect.NewRequest(&evalv1.ResolveStringRequest{FlagKey: asked.key, Context: ec}))
		return replyV1(r, err, (*evalv1.ResolveStringResponse).GetValue)
	case "float":
		r, err := c.ResolveFloat(ctx, connect.NewRequest(&evalv1.ResolveFloatRequest{FlagKey: asked.key, Context: ec}))
		return replyV1(r, err, (*evalv1.ResolveFloatResponse).GetValue)
	case "int":
		r, err := c.ResolveInt(ctx, connect.NewRequest(&evalv1.ResolveIntRequest{FlagKey: asked.key, Context: ec}))
		return replyV1(r, err, (*evalv1.ResolveIntResponse).GetValue)
	}
	r, err := c.ResolveObject(ctx, connect.NewRequest(&evalv1.ResolveObjectRequest{FlagKey: asked.key, Context: ec}))
	return replyV1(r, err, func(m *evalv1.ResolveObjectResponse) map[string]any { return m.GetValue().AsMap() })
}

func replyV1[M any, V any, P interface {
	*M
	GetVariant() string
	GetReason() string
}](r *connect.Response[M], err error, value func(P) V) reply {
	if err != nil {
		return reply{code: connect.CodeOf(err)}
	}
	m := P(r.Msg)
	return reply{value: value(m), variant: m.GetVariant(), reason: m.GetReason()}
}

func askV2(t *testing.T, c evaluationv2connect.ServiceClient, asked doubt) reply {
	t.Helper()
	ctx, ec := t.Context(), toStruct(t, asked.context)
	switch asked.kind {
	case "bool":
		r, err := c.ResolveBoolean(ctx, connect.NewRequest(&evalv2.ResolveBooleanRequest{FlagKey: asked.key, Context: ec}))
		return replyV2(r, err, (*evalv2.ResolveBooleanResponse).GetValue)
	case "text":
		r, err := c.ResolveString(ctx, connect.NewRequest(&evalv2.ResolveStringRequest{FlagKey: asked.key, Context: ec}))
		return replyV2(r, err, (*evalv2.ResolveStringResponse).GetValue)
	case "float":
		r, err := c.ResolveFloat(ctx, connect.NewRequest(&evalv2.ResolveFloatRequest{FlagKey: asked.key, Context: ec}))
		return replyV2(r, err, (*evalv2.ResolveFloatResponse).GetValue)
	case "int":
		r, err := c.ResolveInt(ctx, connect.NewRequest(&evalv2.ResolveIntRequest{FlagKey: asked.key, Context: ec}))
		return replyV2(r, err, (*evalv2.ResolveIntResponse).GetValue)
	}
	r, err := c.ResolveObject(ctx, connect.NewRequest(&evalv2.ResolveObjectRequest{FlagKey: asked.key, Context: ec}))
	return replyV2(r, err, func(m *evalv2.ResolveObjectResponse) map[string]any { return m.GetValue().AsMap() })
}

func replyV2[M any, V any, P interface {
	*M
	HasValue() bool
	GetVariant() string
	GetReason() string
}](r *connect.Response[M], err error, value func(P) V) reply {
	if err != nil {
		return reply{code: connect.CodeOf(err)}
	}
	m := P(r.Msg)
	got := reply{variant: m.GetVariant(), reason: m.GetReason()}
	if m.HasValue() {
		got.value = value(m)
	}
	return got
}

func toStruct(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
