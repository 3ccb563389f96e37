package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/api"
)

// raw is a body that is JSON already.
type raw []byte

// answer turns what serve returns into a response.
func (s *server) answer(serve serveFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		body, err := serve(r)
		if err != nil {
			status, e := translate(err)
			send(w, status, api.ErrorBody{Error: e})
			return
		}
		send(w, http.StatusOK, body)
	})
}

func refuse(w http.ResponseWriter, status int, code api.Code, message string) {
	send(w, status, api.ErrorBody{Error: &api.Error{Code: code, Message: message, Details: []api.Detail{}}})
}

func send(w http.ResponseWriter, status int, body any) {
	text, ok := body.(raw)
	if !ok {
		var err error
		if text, err = api.Marshal(body); err != nil {
			status = http.StatusInternalServerError
			text = raw(`{"error":{"code":"internal","message":"the answer cannot be written as JSON","details":[]}}`)
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a caller who left does not need it
}

// translate says in the words of the contract why a request failed.
func translate(err error) (status int, e *api.Error) {
	e = &api.Error{Message: err.Error(), Details: []api.Detail{}}
	status, e.Code = classify(err)
	if invalid, ok := errors.AsType[*admin.InvalidError](err); ok {
		for _, f := range invalid.Findings {
			e.Details = append(e.Details, api.Detail{File: f.File, Pointer: f.Pointer, Code: f.Code, Message: f.Message})
		}
	}
	if unknown, ok := errors.AsType[*admin.UnknownOutcomeError](err); ok {
		e.Details = append(e.Details, api.Detail{Code: "change", Message: unknown.Change})
	}
	if conflict, ok := errors.AsType[*admin.ConflictError](err); ok {
		for _, m := range conflict.Moved {
			e.Details = append(e.Details, api.Detail{
				Code:    "moved",
				Message: fmt.Sprintf("flag %q of flag set %q: changed by %s in generation %d", m.Key, m.Set, m.Author, m.Generation),
			})
		}
	}
	return status, e
}

func classify(err error) (status int, code api.Code) {
	switch {
	case is[*admin.UsageError](err):
		return http.StatusBadRequest, api.CodeUsage
	case is[*http.MaxBytesError](err):
		return http.StatusRequestEntityTooLarge, api.CodeUsage
	case is[*admin.InvalidError](err), is[*admin.ShrinkError](err):
		return http.StatusUnprocessableEntity, api.CodeInvalid
	case is[*admin.NotFoundError](err):
		return http.StatusNotFound, api.CodeNotFound
	case is[*admin.ConflictError](err), is[*admin.ExistsError](err):
		return http.StatusConflict, api.CodeConflict
	case is[*admin.UnavailableError](err), is[*admin.UnknownOutcomeError](err),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, api.CodeUnavailable
	}
	return http.StatusInternalServerError, api.CodeInternal
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// read decodes the body of a request.
func read(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields() // a misspelt word must not be a change without it
	if err := dec.Decode(into); err != nil {
		if is[*http.MaxBytesError](err) {
			return fmt.Errorf("the request is larger than %d MB: %w", MaxBody>>20, err)
		}
		return &admin.UsageError{Message: fmt.Sprintf("the request body is not what the contract says: %v", err)}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &admin.UsageError{Message: "the request body goes on after its end"}
	}
	return nil
}
