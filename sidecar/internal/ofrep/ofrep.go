// Package ofrep answers the OpenFeature Remote Evaluation Protocol: one flag,
// or all of them, over plain HTTP and JSON. Statuses, bodies and texts are
// those of flagd.
package ofrep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

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

	// MaxBody is the longest request body in bytes; 0 is without limit.
	MaxBody int
}

// Handler returns the handler of the protocol's two requests.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/ofrep/v1/evaluate/flags/{key}", onlyPost(s.single))
	mux.Handle("/ofrep/v1/evaluate/flags", onlyPost(s.bulk))
	mux.Handle("/ofrep/v1/evaluate/flags/{$}", onlyPost(s.bulk))
	return mux
}

// onlyPost answers other methods with an empty body, which a ServeMux does not.
func onlyPost(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	})
}

func (s *Service) single(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	sel, ec, refused := s.read(w, r)
	if refused != nil {
		refused.send(w, failure{Key: &key})
		return
	}
	flag, ok := s.Store.Current().Find(sel, key)
	if !ok {
		status, body := failureOf(key, evaluator.CodeFlagNotFound, scope.Metadata(sel))
		send(w, status, body)
		return
	}
	answer := flag.Evaluate(ec)
	s.observe(key, answer)
	send(w, statusOf(answer), bodyOf(key, answer))
}

// A refusal is why a request is not answered at all.
type refusal struct {
	status  int
	code    evaluator.ErrorCode // "" if the body says no more than details
	details string
}

// read returns which flags the request wants, and for whom.
func (s *Service) read(w http.ResponseWriter, r *http.Request) (store.Selector, evaluator.Context, *refusal) {
	if s.MaxBody > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, int64(s.MaxBody))
	}
	asked, err := readContext(r.Body)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return store.Selector{}, nil, &refusal{
			status: http.StatusRequestEntityTooLarge, details: "request body too large",
		}
	}
	if err != nil {
		return store.Selector{}, nil, &refusal{
			status: http.StatusBadRequest, code: evaluator.CodeInvalidContext,
			details: "Provider context is not valid",
		}
	}
	sel, err := scope.Of(r.Header)
	if err != nil {
		return store.Selector{}, nil, &refusal{
			status: http.StatusBadRequest, code: evaluator.CodeGeneral,
			details: fmt.Sprintf("invalid selector: %v", err),
		}
	}
	return sel, s.Rules.Context(asked, r.Header), nil
}

// readContext reads {"context": {…}}. An empty body says nothing about the
// subject, and so does a context that is not an object.
func readContext(body io.Reader) (map[string]any, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(data) == 0 {
		return nil, nil
	}
	var request struct {
		Context any `json:"context"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	asked, _ := request.Context.(map[string]any)
	return asked, nil
}

func (s *Service) observe(key string, r evaluator.Resolution) {
	if s.Observe != nil {
		s.Observe(key, r)
	}
}
