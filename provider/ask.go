package provider

import (
	"context"
	"errors"
	"fmt"

	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
)

func (m *sidecar) boolean(ctx context.Context, flag string, ec evaluator.Context) answer[bool] {
	return ask(ctx, m, flag, ec, func(ctx context.Context, ec *structpb.Struct) (answer[bool], error) {
		r, err := m.client.ResolveBoolean(ctx, connect.NewRequest(&evaluationv2.ResolveBooleanRequest{FlagKey: flag, Context: ec}))
		if err != nil {
			return answer[bool]{}, err
		}
		return heard(r.Msg.Value, r.Msg), nil
	})
}

func (m *sidecar) text(ctx context.Context, flag string, ec evaluator.Context) answer[string] {
	return ask(ctx, m, flag, ec, func(ctx context.Context, ec *structpb.Struct) (answer[string], error) {
		r, err := m.client.ResolveString(ctx, connect.NewRequest(&evaluationv2.ResolveStringRequest{FlagKey: flag, Context: ec}))
		if err != nil {
			return answer[string]{}, err
		}
		return heard(r.Msg.Value, r.Msg), nil
	})
}

func (m *sidecar) float(ctx context.Context, flag string, ec evaluator.Context) answer[float64] {
	return ask(ctx, m, flag, ec, func(ctx context.Context, ec *structpb.Struct) (answer[float64], error) {
		r, err := m.client.ResolveFloat(ctx, connect.NewRequest(&evaluationv2.ResolveFloatRequest{FlagKey: flag, Context: ec}))
		if err != nil {
			return answer[float64]{}, err
		}
		return heard(r.Msg.Value, r.Msg), nil
	})
}

func (m *sidecar) integer(ctx context.Context, flag string, ec evaluator.Context) answer[int64] {
	return ask(ctx, m, flag, ec, func(ctx context.Context, ec *structpb.Struct) (answer[int64], error) {
		r, err := m.client.ResolveInt(ctx, connect.NewRequest(&evaluationv2.ResolveIntRequest{FlagKey: flag, Context: ec}))
		if err != nil {
			return answer[int64]{}, err
		}
		return heard(r.Msg.Value, r.Msg), nil
	})
}

func (m *sidecar) object(ctx context.Context, flag string, ec evaluator.Context) answer[any] {
	return ask(ctx, m, flag, ec, func(ctx context.Context, ec *structpb.Struct) (answer[any], error) {
		r, err := m.client.ResolveObject(ctx, connect.NewRequest(&evaluationv2.ResolveObjectRequest{FlagKey: flag, Context: ec}))
		if err != nil {
			return answer[any]{}, err
		}
		if r.Msg.Value == nil {
			return heard[any](nil, r.Msg), nil
		}
		var object any = r.Msg.Value.AsMap()
		return heard(&object, r.Msg), nil
	})
}

// ask sends ec in the wire's form, within the deadline, and puts what goes
// wrong in the evaluator's words.
func ask[T any](
	ctx context.Context, m *sidecar, flag string, ec evaluator.Context,
	call func(context.Context, *structpb.Struct) (answer[T], error),
) answer[T] {
	body, err := structpb.NewStruct(ec)
	if err != nil {
		return answer[T]{err: &evaluator.Error{Code: evaluator.CodeInvalidContext, Flag: flag, Err: err}}
	}
	ctx, cancel := context.WithTimeout(ctx, m.deadline)
	defer cancel()
	a, err := call(ctx, body)
	if err != nil {
		return answer[T]{err: m.refusal(flag, err)}
	}
	return a
}

// A reply is what the responses of all types have in common.
type reply interface {
	GetReason() string
	GetVariant() string
	GetMetadata() *structpb.Struct
}

// heard returns the answer of a reply. A reply without a value leaves the
// choice to the caller.
func heard[T any](value *T, r reply) answer[T] {
	a := answer[T]{
		variant:  r.GetVariant(),
		reason:   evaluator.Reason(r.GetReason()),
		metadata: r.GetMetadata().AsMap(),
	}
	if value != nil {
		a.value, a.ok = *value, true
	}
	return a
}

// refusal says why flag was not resolved. The server spells the evaluator's
// error codes as those of gRPC; anything else is about reaching it.
func (m *sidecar) refusal(flag string, err error) *evaluator.Error {
	e := &evaluator.Error{Code: evaluator.CodeGeneral, Flag: flag}
	text := err.Error()
	if c, ok := errors.AsType[*connect.Error](err); ok {
		text = c.Message()
	}
	switch connect.CodeOf(err) {
	case connect.CodeNotFound:
		e.Code, e.Err = evaluator.CodeFlagNotFound, errNoSuchFlag
	case connect.CodeInvalidArgument:
		e.Code, e.Err = evaluator.CodeTypeMismatch, errors.New(text)
	case connect.CodeDataLoss:
		e.Code, e.Err = evaluator.CodeParseError, errors.New(text)
	default:
		e.Err = fmt.Errorf("sidecar %s: %w", m.address, err)
	}
	return e
}
