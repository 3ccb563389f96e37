package evalrpc

import (
	"context"

	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// ResolveAll answers every flag that the selector shows, except those whose
// value version 1 cannot carry: arrays, and no value at all. A flag that is
// disabled or cannot be resolved is there, with its reason and no value.
func (s v1) ResolveAll(
	_ context.Context, req *connect.Request[eval.ResolveAllRequest],
) (*connect.Response[eval.ResolveAllResponse], error) {
	sel, err := selector(req.Header())
	if err != nil {
		return nil, err
	}
	metadata, err := structpb.NewStruct(scope.Metadata(sel))
	if err != nil {
		return nil, wireError(evaluator.CodeGeneral)
	}
	ec := s.Rules.Context(req.Msg.GetContext().AsMap(), req.Header())
	flags := map[string]*eval.AnyFlag{}
	for key, flag := range s.Store.Current().Flags(sel) {
		r := flag.Evaluate(ec)
		s.observe(key, r)
		if f, ok := anyFlag(r); ok {
			flags[key] = f
		}
	}
	return connect.NewResponse(&eval.ResolveAllResponse{Flags: flags, Metadata: metadata}), nil
}

// anyFlag puts an answer in the form that ResolveAll sends. It returns ok
// false if there is no such form.
func anyFlag(r evaluator.Resolution) (f *eval.AnyFlag, ok bool) {
	metadata, err := structpb.NewStruct(r.Metadata)
	if err != nil {
		return nil, false
	}
	f = &eval.AnyFlag{Reason: string(r.Reason), Variant: r.Variant, Metadata: metadata}
	switch value := r.Value.(type) {
	case bool:
		f.Value = &eval.AnyFlag_BoolValue{BoolValue: value}
	case string:
		f.Value = &eval.AnyFlag_StringValue{StringValue: value}
	case float64:
		f.Value = &eval.AnyFlag_DoubleValue{DoubleValue: value}
	case map[string]any:
		object, err := structpb.NewStruct(value)
		if err != nil {
			return nil, false
		}
		f.Value = &eval.AnyFlag_ObjectValue{ObjectValue: object}
	case nil:
		return f, r.Reason == evaluator.ReasonDisabled || r.Reason == evaluator.ReasonError
	default:
		return nil, false
	}
	return f, true
}
