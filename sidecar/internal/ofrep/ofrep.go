// Package ofrep answers the OpenFeature Remote Evaluation Protocol: one flag, or
// all of them, over plain HTTP and JSON, and tells who wants to know when it is
// time to ask again. Statuses, bodies and texts are those of flagd.
package ofrep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/jsontree"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/edition"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// A Service answers from the newest snapshot of a store. Its fields must not
// be changed once it serves.
type Service struct {
	Rules enrich.Rules

	// MaxBody is the longest request body in bytes; 0 is without limit.
	MaxBody int

	// Tracer makes spans; nil makes none.
	Tracer *telemetry.Tracer

	// Events says how callers hear of changes; nil if they do not. Hidden keeps
	// that from being announced in answers.
	Events *Events
	Hidden bool

	store   *store.Store
	counts  *tally.Tally
	configs *edition.Shelf[config]
	recent  recentAnswers
}

// Events say how callers hear of changes, by server-sent events.
type Events struct {
	// Origin is where callers find this service, as scheme://host[:port]; ""
	// if that is where they ask.
	Origin string

	// Inactivity is after how long, out of sight, a page should hang up.
	Inactivity time.Duration

	// KeepAlive is how long a stream is silent before it says that it lives.
	KeepAlive time.Duration

	// Closing ends all streams once it is closed.
	Closing <-chan struct{}

	// Streams, unless nil, is told of each stream that begins, and returns what
	// to call at its end.
	Streams func() (ended func())
}

// New returns a service for the flags of st. Answers about flags that exist, and
// questions about others, are counted in counts.
func New(st *store.Store, counts *tally.Tally) *Service {
	return &Service{store: st, counts: counts, configs: newConfigs()}
}

// Handler returns the handler of the protocol's requests.
func (s *Service) Handler() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/ofrep/v1/evaluate/flags/{key}", only(http.MethodPost, s.single))
	mux.Handle("/ofrep/v1/evaluate/flags", only(http.MethodPost, s.bulk))
	mux.Handle("/ofrep/v1/evaluate/flags/{$}", only(http.MethodPost, s.bulk))
	if s.Events != nil {
		mux.Handle(eventsPath, only(http.MethodGet, s.stream))
		mux.Handle(eventsPath+"/{channel}", only(http.MethodGet, s.stream))
	}
	return mux
}

// only answers other methods with an empty body, which a ServeMux does not.
func only(method string, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		serve(w, r)
	})
}

func (s *Service) single(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	_, span := s.Tracer.Start(r.Context(), "evaluate", r.Header)
	defer span.End()
	q, refused := s.read(w, r)
	if refused != nil {
		refused.send(w, r, `"key":`+string(encoded.Text(key))+`,`)
		return
	}
	flag, ok := s.store.Current().Find(q.sel, key)
	if !ok {
		s.counts.Failure("", evaluator.CodeFlagNotFound).Single()
		span.Failure(key, evaluator.CodeFlagNotFound)
		status, body := encoded.Failure(key, evaluator.CodeFlagNotFound, encoded.Object(scope.Metadata(q.sel)))
		send(w, r, status, body)
		return
	}
	resolution := flag.Evaluate(q.context)
	answer := encoded.Of(flag, s.counts).Answer(&resolution)
	answer.Count.Single()
	span.Answer(key, resolution)
	send(w, r, answer.Status, answer.OFREP)
}

// A question is which flags a request wants, and for whom.
type question struct {
	sel     store.Selector
	context evaluator.Context
	body    []byte // of the request
}

// A refusal is why a request is not answered at all.
type refusal struct {
	status  int
	code    evaluator.ErrorCode // "" if the body says no more than details
	details string
}

// read reads a request.
func (s *Service) read(w http.ResponseWriter, r *http.Request) (question, *refusal) {
	if s.MaxBody > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, int64(s.MaxBody))
	}
	body, err := readBody(r)
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return question{}, &refusal{
			status: http.StatusRequestEntityTooLarge, details: "request body too large",
		}
	}
	asked, ok := readContext(body)
	if err != nil || !ok {
		return question{}, &refusal{
			status: http.StatusBadRequest, code: evaluator.CodeInvalidContext,
			details: "Provider context is not valid",
		}
	}
	sel, err := scope.Of(r.Header)
	if err != nil {
		return question{}, &refusal{
			status: http.StatusBadRequest, code: evaluator.CodeGeneral,
			details: fmt.Sprintf("invalid selector: %v", err),
		}
	}
	return question{sel, s.Rules.Context(asked, r.Header), body}, nil
}

// readBody reads the whole of a body. How long it says it is, is believed up to
// a size that many have.
func readBody(r *http.Request) ([]byte, error) {
	const usual = 16 << 10
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), usual)) + bytes.MinRead)
	if _, err := body.ReadFrom(r.Body); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return body.Bytes(), nil
}

// readContext reads {"context": {…}}. An empty body says nothing about the
// subject, and so does a context that is not an object. It is not ok if body is
// not an object, or null, in JSON.
func readContext(body []byte) (asked map[string]any, ok bool) {
	if len(body) == 0 {
		return nil, true
	}
	v, _, ok := jsontree.Decode(body)
	request, isObject := v.(map[string]any)
	if !ok {
		return readDoubtful(body)
	}
	if !isObject && v != nil {
		return nil, false
	}
	context, ok := request["context"]
	if !ok {
		for name, value := range request { // like flagd, we do not mind the case
			if strings.EqualFold(name, "context") {
				context = value
			}
		}
	}
	asked, _ = context.(map[string]any)
	return asked, true
}

// readDoubtful is [readContext] for what may be no JSON. It passes over what it
// need not understand, such as a number too large for Go beside the context.
func readDoubtful(body []byte) (asked map[string]any, ok bool) {
	var request struct {
		Context any `json:"context"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, false
	}
	asked, _ = request.Context.(map[string]any)
	return asked, true
}

// send answers with the refusal, in an object that begins with the members in
// begun.
func (r *refusal) send(w http.ResponseWriter, request *http.Request, begun string) {
	if r.code == "" {
		send(w, request, r.status, fmt.Appendf(nil, `{"errorDetails":%s}`, encoded.Text(r.details)))
		return
	}
	send(w, request, r.status, fmt.Appendf(nil, `{%s"errorCode":%s,"errorDetails":%s,"metadata":null}`,
		begun, encoded.Text(string(r.code)), encoded.Text(r.details)))
}
