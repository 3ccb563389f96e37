// Package evalrpc answers flagd's evaluation services over gRPC, gRPC-Web and
// Connect: flagd.evaluation.v1 and v2, and schema.v1, the name that version 1
// had before.
//
// The versions differ in how they say that there is no value, and so that the
// caller's own default applies: version 2 leaves value and variant out; version
// 1 sends zero values for a disabled flag, and an error for a flag without a
// default variant; the oldest sends zero values for both.
//
// Messages are read from and written to the wire by this package itself, out of
// what package encoded keeps with each flag; tests hold it to flagd's generated
// messages.
package evalrpc

import (
	"context"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/reuse"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/enrich"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/tally"
	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// A Service answers from the newest snapshot of a store. Its fields must not
// be changed once it serves.
type Service struct {
	Store  *store.Store
	Rules  enrich.Rules
	Counts *tally.Tally // of answers about flags that exist

	// Closing ends the event streams, each with a last message, once it is
	// closed.
	Closing <-chan struct{}

	// KeepAlive is how long an event stream is silent before it says that
	// it is alive.
	KeepAlive time.Duration

	// StreamDeadline is how long an event stream lasts at most; 0 is without
	// limit.
	StreamDeadline time.Duration

	// Streams, unless nil, is told of each event stream that begins, and of
	// which service, and returns what to call at its end.
	Streams func(service string) (ended func())

	// Mark, unless "", is what answers are marked with that may be kept: see
	// package reuse. No other process has the same.
	Mark string

	// Tracer, unless nil, returns what makes spans, or nil.
	Tracer func(name string) *telemetry.Tracer

	recent recentChanges
}

// A dialect is one of the services.
type dialect struct {
	service string
	traced  string // the name of its spans
	tracer  *telemetry.Tracer

	// optional says that values and variants can be left out.
	optional bool

	// lenient says that a flag without a default variant is answered, with a
	// reason that flagd elsewhere keeps to itself, and without what headers say
	// about the subject.
	lenient bool
}

func dialects() []dialect {
	return []dialect{
		{service: "flagd.evaluation.v1.Service", traced: "flagd.evaluation.v1"},
		{service: "flagd.evaluation.v2.Service", traced: "flagd.evaluation.v2", optional: true},
		{service: "schema.v1.Service", traced: "flagEvaluationService", lenient: true},
	}
}

// reasonFallback is what schema.v1 says of a flag without a default variant.
const reasonFallback = "FALLBACK"

// Procedures returns the methods of all dialects.
func (s *Service) Procedures() (all rpc.Procedures) {
	for _, d := range dialects() {
		if s.Tracer != nil {
			d.tracer = s.Tracer(d.traced)
		}
		for _, k := range kinds() {
			all = append(all, rpc.Unary(d.service, k.method,
				func(ctx context.Context, h rpc.Headers, q *question) (*reply, error) {
					return s.resolve(ctx, &d, &k, h, q)
				}))
		}
		if !d.optional {
			all = append(all, rpc.Unary(d.service, "ResolveAll",
				func(ctx context.Context, h rpc.Headers, q *every) (*replies, error) {
					return s.resolveAll(ctx, &d, h, q)
				}))
		}
		all = append(all, rpc.ServerStream(d.service, "EventStream",
			func(ctx context.Context, h rpc.Headers, _ *nothing, send func(*event) error) error {
				return s.events(ctx, &d, h, send)
			}))
	}
	return all
}

// refuse puts an error code in flagd's words.
func refuse(code evaluator.ErrorCode) error {
	switch code {
	case evaluator.CodeFlagNotFound:
		return &rpc.Refusal{Code: connect.CodeNotFound, Text: "Flag not found"}
	case evaluator.CodeTypeMismatch:
		return &rpc.Refusal{Code: connect.CodeInvalidArgument, Text: "Type mismatch error"}
	case evaluator.CodeParseError:
		return &rpc.Refusal{Code: connect.CodeDataLoss, Text: "Error parsing input or configuration"}
	default:
		return &rpc.Refusal{Code: connect.CodeUnknown, Text: "General error"}
	}
}

// selector reads which flags a request is about.
func selector(headers rpc.Headers) (store.Selector, error) {
	sel, err := scope.Of(headers)
	if err != nil {
		return sel, &rpc.Refusal{Code: connect.CodeInvalidArgument, Text: err.Error()}
	}
	return sel, nil
}

// resolve answers one question about one flag.
func (s *Service) resolve(
	ctx context.Context, d *dialect, k *kind, headers rpc.Headers, q *question,
) (*reply, error) {
	span := d.span(ctx, k.method, headers)
	defer span.End()
	sel, err := selector(headers)
	if err != nil {
		return nil, err
	}
	flag, ok := s.Store.Current().Find(sel, q.key)
	if !ok {
		s.Counts.Failure("", evaluator.CodeFlagNotFound).Single()
		span.Failure(q.key, evaluator.CodeFlagNotFound)
		return nil, refuse(evaluator.CodeFlagNotFound)
	}
	r := flag.Evaluate(s.context(d, q.context, headers))
	ok, mistake := k.fits(r)
	if mistake != nil {
		s.Counts.Failure(q.key, mistake.Code).Single()
		span.Failure(q.key, mistake.Code)
		return nil, refuse(mistake.Code)
	}
	answer := encoded.Of(flag, s.Counts).Answer(&r)
	answer.Count.Single()
	span.Answer(q.key, r)
	switch {
	case ok || r.Reason == evaluator.ReasonDisabled || d.optional:
		return &reply{
			kind: k, dialect: d, answer: answer, value: r.Value, reason: string(r.Reason),
			mark: s.mark(d, flag, r.Reason, headers),
		}, nil
	case d.lenient:
		return &reply{kind: k, dialect: d, answer: answer, reason: reasonFallback}, nil
	default:
		return nil, refuse(evaluator.CodeFlagNotFound)
	}
}

// mark is what lets whoever asked keep the answer of flag for the same context,
// if it may, and if it was asked for.
func (s *Service) mark(d *dialect, flag *evaluator.Flag, reason evaluator.Reason, headers rpc.Headers) string {
	changeable := reason != evaluator.ReasonStatic && (flag.ReadsTime() || len(s.Rules.Headers) > 0)
	if s.Mark == "" || d.lenient || changeable || !slices.Contains(headers.Values(reuse.Header), s.Mark) {
		return ""
	}
	if reason == evaluator.ReasonStatic {
		return s.Mark
	}
	members, known := flag.Reads()
	return reuse.Value(s.Mark, members, known)
}

// span begins the span of a request, if there are spans.
func (d *dialect) span(ctx context.Context, method string, headers rpc.Headers) *telemetry.Span {
	if d.tracer == nil {
		return nil
	}
	_, span := d.tracer.Start(ctx, method, rpc.All(headers))
	return span
}

// context is who is asking, as far as the dialect lets headers say so.
func (s *Service) context(d *dialect, asked map[string]any, headers rpc.Headers) evaluator.Context {
	if d.lenient {
		headers = http.Header(nil)
	}
	return s.Rules.Context(asked, headers)
}
