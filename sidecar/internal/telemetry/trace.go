package telemetry

import (
	"context"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/flagline/flagline/evaluator"
)

// A Tracer makes the spans of one service. Its methods may be called at once
// from any number of goroutines. A nil Tracer makes none, at no cost.
type Tracer struct{ tracer trace.Tracer }

// A Span is one request that is being answered. It belongs to the goroutine
// that answers. A nil Span takes everything and keeps nothing.
type Span struct{ span trace.Span }

// Tracer returns the tracer of the service name, or nil if spans are not sent.
func (t *Telemetry) Tracer(name string) *Tracer {
	if t == nil || t.traces == nil {
		return nil
	}
	return &Tracer{tracer: t.traces.Tracer(name)}
}

// ofServer says that spans begin where requests come in.
var ofServer = trace.WithSpanKind(trace.SpanKindServer)

// propagator reads whose request this is part of.
var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// Start begins the span of a request, as part of what its header says it is
// part of: an http.Header, or the metadata of gRPC. The name is one of a few;
// keys of flags do not belong there. The span must be ended.
func (t *Tracer) Start(ctx context.Context, name string, header map[string][]string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx = propagator.Extract(ctx, carrier(header))
	ctx, span := t.tracer.Start(ctx, name, ofServer)
	return ctx, &Span{span: span}
}

// Answer says how the flag key was resolved. Neither its value nor anything of
// the evaluation context is told.
func (s *Span) Answer(key string, r evaluator.Resolution) {
	if s == nil || !s.span.IsRecording() {
		return
	}
	if r.Err != nil {
		s.Failure(key, r.Err.Code)
		return
	}
	told := []attribute.KeyValue{
		attribute.String("feature_flag.key", valid(key)),
		providerName,
		attribute.String("feature_flag.result.reason", strings.ToLower(string(r.Reason))),
	}
	if r.Variant != "" {
		told = append(told, attribute.String("feature_flag.result.variant", valid(r.Variant)))
	}
	if set, ok := r.Metadata["flagSetId"].(string); ok {
		told = append(told, attribute.String("feature_flag.set.id", valid(set)))
	}
	switch version := r.Metadata["version"].(type) {
	case string:
		told = append(told, attribute.String("feature_flag.version", valid(version)))
	case float64:
		told = append(told, attribute.String("feature_flag.version", fmt.Sprint(version)))
	}
	s.span.SetAttributes(told...)
}

// Failure says why the flag key was not resolved; it may not exist. The key is
// "" if the whole request was refused.
func (s *Span) Failure(key string, code evaluator.ErrorCode) {
	if s == nil || !s.span.IsRecording() {
		return
	}
	if key != "" {
		s.span.SetAttributes(attribute.String("feature_flag.key", valid(key)))
	}
	s.span.SetAttributes(
		providerName,
		attribute.String("feature_flag.result.reason", "error"),
		attribute.String("error.type", strings.ToLower(string(code))),
	)
	s.span.SetStatus(codes.Error, string(code))
}

// providerName is whose names and meanings the answers have.
var providerName = attribute.String("feature_flag.provider.name", "flagd")

// End ends the span. What is said of it afterwards is lost.
func (s *Span) End() {
	if s != nil {
		s.span.End()
	}
}

// valid returns s as the protocol can carry it: one attribute that is not text
// would cost all spans that are sent with it.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// A carrier is a header, with keys as net/http writes them or in lower case, as
// gRPC does.
type carrier map[string][]string

// Get returns the first value of key.
func (c carrier) Get(key string) string {
	if all := c.Values(key); len(all) > 0 {
		return all[0]
	}
	return ""
}

// Values returns all values of key.
func (c carrier) Values(key string) []string {
	if all, ok := c[key]; ok {
		return all
	}
	return c[textproto.CanonicalMIMEHeaderKey(key)]
}

// Set does nothing: the sidecar asks nobody on a caller's behalf.
func (carrier) Set(string, string) {}

// Keys returns the keys as they are written.
func (c carrier) Keys() []string {
	return slices.Collect(maps.Keys(c))
}
