package evalrpc

import (
	"context"

	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
)

// A v2 is flagd.evaluation.v2.Service.
type v2 struct{ *Service }

func (s v2) ResolveBoolean(
	_ context.Context, req *connect.Request[eval.ResolveBooleanRequest],
) (*connect.Response[eval.ResolveBooleanResponse], error) {
	a, err := ask(s.Service, req.Header(), req.Msg, evaluator.Resolution.Bool)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveBooleanResponse{
		Value: a.value, Variant: a.variant, Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v2) ResolveString(
	_ context.Context, req *connect.Request[eval.ResolveStringRequest],
) (*connect.Response[eval.ResolveStringResponse], error) {
	a, err := ask(s.Service, req.Header(), req.Msg, evaluator.Resolution.Text)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveStringResponse{
		Value: a.value, Variant: a.variant, Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v2) ResolveFloat(
	_ context.Context, req *connect.Request[eval.ResolveFloatRequest],
) (*connect.Response[eval.ResolveFloatResponse], error) {
	a, err := ask(s.Service, req.Header(), req.Msg, evaluator.Resolution.Float)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveFloatResponse{
		Value: a.value, Variant: a.variant, Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v2) ResolveInt(
	_ context.Context, req *connect.Request[eval.ResolveIntRequest],
) (*connect.Response[eval.ResolveIntResponse], error) {
	a, err := ask(s.Service, req.Header(), req.Msg, evaluator.Resolution.Int)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveIntResponse{
		Value: a.value, Variant: a.variant, Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v2) ResolveObject(
	_ context.Context, req *connect.Request[eval.ResolveObjectRequest],
) (*connect.Response[eval.ResolveObjectResponse], error) {
	a, err := ask(s.Service, req.Header(), req.Msg, readStruct)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveObjectResponse{
		Value: orZero(a.value), Variant: a.variant, Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v2) EventStream(
	ctx context.Context, req *connect.Request[eval.EventStreamRequest],
	stream *connect.ServerStream[eval.EventStreamResponse],
) error {
	return s.events(ctx, req.Header(), func(kind string, data *structpb.Struct) error {
		return stream.Send(&eval.EventStreamResponse{Type: kind, Data: data})
	})
}
