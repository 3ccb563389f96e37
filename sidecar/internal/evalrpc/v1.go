package evalrpc

import (
	"context"
	"net/http"

	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
)

// A v1 is flagd.evaluation.v1.Service.
type v1 struct{ *Service }

// askV1 is ask for callers that cannot be told that there is no value: a flag
// that has none, though it is enabled, is as good as missing to them.
func askV1[T any](
	s *Service, headers http.Header, q question,
	read func(evaluator.Resolution) (T, bool, *evaluator.Error),
) (answer[T], error) {
	a, err := ask(s, headers, q, read)
	if err == nil && a.value == nil && a.reason != evaluator.ReasonDisabled {
		return a, wireError(evaluator.CodeFlagNotFound)
	}
	return a, err
}

// orZero returns what v points at, or the zero value.
func orZero[T any](v *T) (value T) {
	if v != nil {
		value = *v
	}
	return value
}

func (s v1) ResolveBoolean(
	_ context.Context, req *connect.Request[eval.ResolveBooleanRequest],
) (*connect.Response[eval.ResolveBooleanResponse], error) {
	a, err := askV1(s.Service, req.Header(), req.Msg, evaluator.Resolution.Bool)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveBooleanResponse{
		Value: orZero(a.value), Variant: orZero(a.variant), Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v1) ResolveString(
	_ context.Context, req *connect.Request[eval.ResolveStringRequest],
) (*connect.Response[eval.ResolveStringResponse], error) {
	a, err := askV1(s.Service, req.Header(), req.Msg, evaluator.Resolution.Text)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveStringResponse{
		Value: orZero(a.value), Variant: orZero(a.variant), Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v1) ResolveFloat(
	_ context.Context, req *connect.Request[eval.ResolveFloatRequest],
) (*connect.Response[eval.ResolveFloatResponse], error) {
	a, err := askV1(s.Service, req.Header(), req.Msg, evaluator.Resolution.Float)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveFloatResponse{
		Value: orZero(a.value), Variant: orZero(a.variant), Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v1) ResolveInt(
	_ context.Context, req *connect.Request[eval.ResolveIntRequest],
) (*connect.Response[eval.ResolveIntResponse], error) {
	a, err := askV1(s.Service, req.Header(), req.Msg, evaluator.Resolution.Int)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&eval.ResolveIntResponse{
		Value: orZero(a.value), Variant: orZero(a.variant), Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v1) ResolveObject(
	_ context.Context, req *connect.Request[eval.ResolveObjectRequest],
) (*connect.Response[eval.ResolveObjectResponse], error) {
	a, err := askV1(s.Service, req.Header(), req.Msg, readStruct)
	if err != nil {
		return nil, err
	}
	value := &structpb.Struct{}
	if a.value != nil {
		value = *a.value
	}
	return connect.NewResponse(&eval.ResolveObjectResponse{
		Value: value, Variant: orZero(a.variant), Reason: string(a.reason), Metadata: a.metadata,
	}), nil
}

func (s v1) EventStream(
	ctx context.Context, req *connect.Request[eval.EventStreamRequest],
	stream *connect.ServerStream[eval.EventStreamResponse],
) error {
	return s.events(ctx, req.Header(), func(kind string, data *structpb.Struct) error {
		return stream.Send(&eval.EventStreamResponse{Type: kind, Data: data})
	})
}
