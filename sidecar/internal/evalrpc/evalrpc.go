// Package evalrpc answers flagd's evaluation services, flagd.evaluation.v1 and
// flagd.evaluation.v2, over gRPC, gRPC-Web and Connect.
//
// The two versions differ in how they say that there is no value, and so that
// the caller's own default applies: version 2 leaves value and variant out;
// version 1 sends zero values for a disabled flag, and an error for a flag
// without a default variant.
package evalrpc

import (
	"errors"
	"net/http"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// A Service answers from the newest snapshot of a store. Its fields must not
// be changed once it serves.
type Service struct {
	Store *store.Store
	Rules enrich.Rules

	// Observe, unless nil, is told of each answer about a flag that exists.
	Observe func(key string, r evaluator.Resolution)

	// Closing ends the event streams, each with a last message, once it is
	// closed.
	Closing <-chan struct{}

	// KeepAlive is how long an event stream is silent before it says that
	// it is alive.
	KeepAlive time.Duration

	// MaxBody is the longest request body in bytes; 0 is without limit.
	MaxBody int
}

// Handler returns the handler of both versions, and of the name that version 1
// had before. It is to be served over
// HTTP/1.1 and HTTP/2.
func (s *Service) Handler() http.Handler {
	options := connect.WithHandlerOptions(
		connect.WithCodec(jsonCodec{name: "json"}),
		connect.WithCodec(jsonCodec{name: "json; charset=utf-8"}),
		connect.WithReadMaxBytes(s.MaxBody),
	)
	mux := http.NewServeMux()
	path, first := evaluationv1connect.NewServiceHandler(v1{s}, options)
	mux.Handle(path, first)
	mux.Handle(legacyPath, legacy(path, first))
	mux.Handle(evaluationv2connect.NewServiceHandler(v2{s}, options))
	return mux
}

// A question is what the requests of both versions and all types have.
type question interface {
	GetFlagKey() string
	GetContext() *structpb.Struct
}

// An answer is what the responses of all types have. Value and variant are nil
// if the caller's own default applies.
type answer[T any] struct {
	value    *T
	variant  *string
	reason   evaluator.Reason
	metadata *structpb.Struct
}

// ask evaluates one flag and reads its value as the type that the caller wants.
func ask[T any](
	s *Service, headers http.Header, q question,
	read func(evaluator.Resolution) (T, bool, *evaluator.Error),
) (answer[T], error) {
	sel, err := selector(headers)
	if err != nil {
		return answer[T]{}, err
	}
	flag, ok := s.Store.Current().Find(sel, q.GetFlagKey())
	if !ok {
		return answer[T]{}, wireError(evaluator.CodeFlagNotFound)
	}
	r := flag.Evaluate(s.Rules.Context(q.GetContext().AsMap(), headers))
	s.observe(q.GetFlagKey(), r)
	value, ok, mistake := read(r)
	if mistake != nil {
		return answer[T]{}, wireError(mistake.Code)
	}
	metadata, err := structpb.NewStruct(r.Metadata)
	if err != nil {
		return answer[T]{}, wireError(evaluator.CodeGeneral)
	}
	a := answer[T]{reason: r.Reason, metadata: metadata}
	if ok {
		a.value, a.variant = &value, &r.Variant
	}
	return a, nil
}

func (s *Service) observe(key string, r evaluator.Resolution) {
	if s.Observe != nil {
		s.Observe(key, r)
	}
}

// readStruct reads an object in the form that travels.
func readStruct(r evaluator.Resolution) (*structpb.Struct, bool, *evaluator.Error) {
	object, ok, mistake := r.Object()
	if mistake != nil || !ok {
		return nil, false, mistake
	}
	value, err := structpb.NewStruct(object)
	if err != nil {
		return nil, false, &evaluator.Error{Code: evaluator.CodeGeneral, Err: err}
	}
	return value, true, nil
}

func selector(headers http.Header) (store.Selector, error) {
	sel, err := scope.Of(headers)
	if err != nil {
		return sel, connect.NewError(connect.CodeInvalidArgument, err)
	}
	return sel, nil
}

// wireError says code in flagd's words. What exactly is wrong with a flag is
// for its author, and not told to whoever asks.
func wireError(code evaluator.ErrorCode) error {
	status, text := connect.CodeUnknown, "General error"
	switch code {
	case evaluator.CodeFlagNotFound:
		status, text = connect.CodeNotFound, "Flag not found"
	case evaluator.CodeTypeMismatch:
		status, text = connect.CodeInvalidArgument, "Type mismatch error"
	case evaluator.CodeParseError:
		status, text = connect.CodeDataLoss, "Error parsing input or configuration"
	}
	return connect.NewError(status, errors.New(text))
}
