package doors_test

import (
	"testing"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/scripts"
)

func TestEvaluationV2(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		client := evaluationv2grpc.NewServiceClient(dial(t, serve(t, script).Evaluation))
		return func(t *testing.T, q scripts.Question, k kind) reply { return askV2(t, client, q, k) }
	}, asIs)
}

func TestEvaluationV1(t *testing.T) {
	everyScript(t, typedKinds(), func(t *testing.T, script *scripts.Script) door {
		client := evaluationv1grpc.NewServiceClient(dial(t, serve(t, script).Evaluation))
		return func(t *testing.T, q scripts.Question, k kind) reply { return askV1(t, client, q, k) }
	}, inV1)
}

// inV1 is how version 1 tells an answer. It always sends a value, so there is no
// telling that the application's own default applies: it sends the zero value of
// a flag that is disabled, and takes one without a default variant for missing.
func inV1(r reply, k kind) reply {
	switch {
	case r.code != "" || r.variant != "":
		return r
	case r.reason != string(evaluator.ReasonDisabled):
		return failed(evaluator.CodeFlagNotFound)
	}
	r.value = map[kind]any{boolean: false, text: "", float: 0.0, integer: int64(0), object: map[string]any{}}[k]
	return r
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func askV2(t *testing.T, c evaluationv2grpc.ServiceClient, q scripts.Question, k kind) reply {
	ctx, key, ec := t.Context(), q.Key, onWire(t, q.Context)
	switch k {
	case boolean:
		r, err := c.ResolveBoolean(ctx, &evalv2.ResolveBooleanRequest{FlagKey: key, Context: ec})
		return heardV2(r, err, r.GetValue)
	case text:
		r, err := c.ResolveString(ctx, &evalv2.ResolveStringRequest{FlagKey: key, Context: ec})
		return heardV2(r, err, r.GetValue)
	case float:
		r, err := c.ResolveFloat(ctx, &evalv2.ResolveFloatRequest{FlagKey: key, Context: ec})
		return heardV2(r, err, r.GetValue)
	case integer:
		r, err := c.ResolveInt(ctx, &evalv2.ResolveIntRequest{FlagKey: key, Context: ec})
		return heardV2(r, err, r.GetValue)
	}
	r, err := c.ResolveObject(ctx, &evalv2.ResolveObjectRequest{FlagKey: key, Context: ec})
	return heardV2(r, err, func() map[string]any { return r.GetValue().AsMap() })
}

func askV1(t *testing.T, c evaluationv1grpc.ServiceClient, q scripts.Question, k kind) reply {
	ctx, key, ec := t.Context(), q.Key, onWire(t, q.Context)
	switch k {
	case boolean:
		r, err := c.ResolveBoolean(ctx, &evalv1.ResolveBooleanRequest{FlagKey: key, Context: ec})
		return heard(r, err, r.GetValue)
	case text:
		r, err := c.ResolveString(ctx, &evalv1.ResolveStringRequest{FlagKey: key, Context: ec})
		return heard(r, err, r.GetValue)
	case float:
		r, err := c.ResolveFloat(ctx, &evalv1.ResolveFloatRequest{FlagKey: key, Context: ec})
		return heard(r, err, r.GetValue)
	case integer:
		r, err := c.ResolveInt(ctx, &evalv1.ResolveIntRequest{FlagKey: key, Context: ec})
		return heard(r, err, r.GetValue)
	}
	r, err := c.ResolveObject(ctx, &evalv1.ResolveObjectRequest{FlagKey: key, Context: ec})
	return heard(r, err, func() map[string]any { return r.GetValue().AsMap() })
}

func onWire(t *testing.T, ec evaluator.Context) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(ec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A response is what the messages of both versions and all types have.
type response interface {
	GetVariant() string
	GetReason() string
	GetMetadata() *structpb.Struct
}

func heard[T any](r response, err error, value func() T) reply {
	if err != nil {
		return failed(inWords(err))
	}
	return reply{value: value(), variant: r.GetVariant(), reason: r.GetReason(), metadata: r.GetMetadata().AsMap()}
}

// heardV2 knows that a value may have been left out.
func heardV2[T any](r interface {
	response
	HasValue() bool
}, err error, value func() T,
) reply {
	got := heard(r, err, value)
	if err == nil && !r.HasValue() {
		got.value = nil
	}
	return got
}

// inWords is the error code that gRPC's stands for.
func inWords(err error) evaluator.ErrorCode {
	switch code := status.Code(err); code {
	case codes.NotFound:
		return evaluator.CodeFlagNotFound
	case codes.InvalidArgument:
		return evaluator.CodeTypeMismatch
	case codes.DataLoss:
		return evaluator.CodeParseError
	case codes.Unknown:
		return evaluator.CodeGeneral
	default:
		return evaluator.ErrorCode(err.Error())
	}
}
