package otelhook

import (
	"context"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/trace"
)

// scope says who tells.
const scope = "github.com/flagline/flagline/provider/otelhook"

type traces struct {
	openfeature.UnimplementedHook

	settings settings
}

// Traces returns a hook that adds an event to the span in the context of each
// evaluation. An evaluation without a span, or whose span is not recorded, is
// not told of. Spans have room for 128 events unless their provider is set up
// otherwise, and the oldest leave first: a request that asks in a loop is
// better told of by [Metrics].
func Traces(opts ...Option) openfeature.Hook {
	return &traces{settings: newSettings(opts)}
}

// Finally adds the event.
func (h *traces) Finally(ctx context.Context, hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attrs := h.settings.event(make([]attribute.KeyValue, 0, usual), hc, d)
	span.AddEvent(EventName, trace.WithAttributes(attrs...))
}

type logs struct {
	openfeature.UnimplementedHook

	logger   log.Logger
	settings settings
}

// Logs returns a hook that writes a log record, an event, for each evaluation:
// with severity INFO, and WARN if it failed. Records belong to the span of
// their context, if there is one. A nil provider is the global one.
//
// An application that evaluates often writes much. What a logger is not
// enabled for costs nothing, so filter by the name of the event or by the
// severity.
func Logs(provider log.LoggerProvider, opts ...Option) openfeature.Hook {
	if provider == nil {
		provider = otel.GetLoggerProvider()
	}
	return &logs{logger: provider.Logger(scope), settings: newSettings(opts)}
}

// Finally writes the record.
func (h *logs) Finally(ctx context.Context, hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) {
	severity := log.SeverityInfo
	if failed(d) {
		severity = log.SeverityWarn
	}
	if !h.logger.Enabled(ctx, log.EnabledParameters{Severity: severity, EventName: EventName}) {
		return
	}
	var r log.Record
	r.SetEventName(EventName)
	r.SetTimestamp(time.Now())
	r.SetSeverity(severity)
	r.AddAttributes(h.settings.event(make([]attribute.KeyValue, 0, usual), hc, d)...)
	h.logger.Emit(ctx, r)
}
