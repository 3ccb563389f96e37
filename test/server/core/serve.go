package main

import (
	"context"
	"encoding/json"
	"net/http"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"connectrpc.com/connect"
	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/model"
	"github.com/open-feature/flagd/core/pkg/service/ofrep"
	"google.golang.org/protobuf/types/known/structpb"
)

// A server answers with what the evaluator says.
type server struct {
	evaluationv1connect.UnimplementedServiceHandler
	core *evaluator.JSON
}

// ResolveBoolean answers about a boolean.
func (s *server) ResolveBoolean(
	ctx context.Context, r *connect.Request[evaluationv1.ResolveBooleanRequest],
) (*connect.Response[evaluationv1.ResolveBooleanResponse], error) {
	value, variant, reason, metadata, err := s.core.ResolveBooleanValue(ctx, "", r.Msg.GetFlagKey(), r.Msg.GetContext().AsMap())
	if err != nil {
		return nil, connect.NewError(connect.CodeUnknown, err)
	}
	described, err := describe(metadata)
	return connect.NewResponse(&evaluationv1.ResolveBooleanResponse{
		Value: value, Variant: variant, Reason: reason, Metadata: described,
	}), err
}

// ResolveString answers about a text.
func (s *server) ResolveString(
	ctx context.Context, r *connect.Request[evaluationv1.ResolveStringRequest],
) (*connect.Response[evaluationv1.ResolveStringResponse], error) {
	value, variant, reason, metadata, err := s.core.ResolveStringValue(ctx, "", r.Msg.GetFlagKey(), r.Msg.GetContext().AsMap())
	if err != nil {
		return nil, connect.NewError(connect.CodeUnknown, err)
	}
	described, err := describe(metadata)
	return connect.NewResponse(&evaluationv1.ResolveStringResponse{
		Value: value, Variant: variant, Reason: reason, Metadata: described,
	}), err
}

func describe(metadata model.Metadata) (*structpb.Struct, error) { return structpb.NewStruct(metadata) }

func (s *server) single(w http.ResponseWriter, r *http.Request) {
	subject, err := read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	value := s.core.ResolveAsAnyValue(r.Context(), "", r.PathValue("key"), subject)
	if value.Error != nil {
		status, body := ofrep.EvaluationErrorResponseFrom(value)
		send(w, status, body)
		return
	}
	send(w, http.StatusOK, ofrep.SuccessResponseFrom(value))
}

func (s *server) bulk(w http.ResponseWriter, r *http.Request) {
	subject, err := read(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	values, metadata, err := s.core.ResolveAllValues(r.Context(), "", subject)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, http.StatusOK, ofrep.BulkEvaluationResponseFrom(values, metadata))
}

func read(r *http.Request) (map[string]any, error) {
	var request struct{ Context map[string]any }
	err := json.NewDecoder(r.Body).Decode(&request)
	return request.Context, err
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone is nobody's mistake
}
