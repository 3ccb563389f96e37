// Package ofrep answers the OpenFeature Remote Evaluation Protocol: one flag, or
// all of them, over plain HTTP and JSON, and tells who wants to know when it is
// time to ask again. Statuses, bodies and texts are those of flagd.
package ofrep

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
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

// The paths of the protocol.
const (
	bulkPath   = "/ofrep/v1/evaluate/flags"
	singlePath = bulkPath + "/{key}"
)

// Route names what a request asks for, by one of a few names; "" is nothing that
// there is.
func Route(r *http.Request) string {
	switch path := r.URL.Path; {
	case path == bulkPath || path == bulkPath+"/":
		return bulkPath
	case strings.HasPrefix(path, bulkPath+"/"):
		return singlePath
	case path == eventsPath || strings.HasPrefix(path, eventsPath+"/"):
		return eventsPath
	default:
		return ""
	}
}

// Handler returns the handler of the protocol's requests.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(singlePath, only(http.MethodPost, s.single))
	mux.Handle(bulkPath, only(http.MethodPost, s.bulk))
	mux.Handle(bulkPath+"/{$}", only(http.MethodPost, s.bulk))
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
	q, refused := s.read(w, r, false)
	if refused != nil {
		refused.send(w, r, `"key":`+string(encoded.Text(key))+`,`)
		return
	}
	flag, ok := s.store.Current().Find(q.sel, key)
	if !ok {
		if !s.store.Ready() {
			s.notReady(w, r)
			return
		}
		flag, ok = s.store.Current().Find(q.sel, key) // it may have come with readiness
	}
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

// notReady answers before every source has delivered: that a flag does not exist,
// or that these are all, would be taken for the truth.
func (s *Service) notReady(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	refused := &refusal{status: http.StatusServiceUnavailable, details: "not every source of flags has delivered yet; try again"}
	refused.send(w, r, "")
}

// A question is which flags a request wants, and for whom.
type question struct {
	sel     store.Selector
	context evaluator.Context
	body    [sha256.Size]byte // the hash of what said so, if it is about all flags
}

// A refusal is why a request is not answered at all.
type refusal struct {
	status  int
	code    evaluator.ErrorCode // "" if the body says no more than details
	details string
}

// read reads a request; all says whether it is about all flags.
func (s *Service) read(w http.ResponseWriter, r *http.Request, all bool) (q question, refused *refusal) {
	if s.MaxBody > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, int64(s.MaxBody))
	}
	room, _ := requests.Get().(*bytes.Buffer)
	defer requests.Put(room)
	room.Reset()
	_, err := room.ReadFrom(r.Body)
	body := room.Bytes()
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
	q.sel, q.context = sel, s.Rules.Context(asked, r.Header)
	if all {
		q.body = sha256.Sum256(body)
	}
	return q, nil
}

// requests are where bodies are read, again and again.
var requests = sync.Pool{New: func() any { return new(bytes.Buffer) }}

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
