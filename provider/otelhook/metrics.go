package otelhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-feature/go-sdk/openfeature"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

type metrics struct {
	settings settings

	requests, successes, failures metric.Int64Counter

	known series
}

// Metrics returns a hook that counts evaluations, under the names that the
// hook of OpenFeature's contributors uses:
//
//   - feature_flag.evaluation_requests_total: all;
//   - feature_flag.evaluation_success_total: those with an answer, by variant
//     (feature_flag.result.variant) and reason (feature_flag.result.reason);
//   - feature_flag.evaluation_error_total: those that failed, by error.type.
//
// All of them have the dimensions feature_flag.key and
// feature_flag.provider.name. There is no count of evaluations under way: the
// SDK does not tell a hook of each beginning whose end it tells of, so that
// such a count drifts away. A nil provider is the global one.
//
// There is an error if the instruments cannot be made, or for an option that
// would make one time series for each user.
func Metrics(provider metric.MeterProvider, opts ...Option) (openfeature.Hook, error) {
	h := &metrics{settings: newSettings(opts)}
	if h.settings.contextID != nil || h.settings.value {
		return nil, errors.New("metrics of evaluations: WithContextID and WithValue would make a time series for each user or value; " +
			"leave them to Traces and Logs")
	}
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(scope)
	var errs []error
	counter := func(name, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithDescription(description), metric.WithUnit("{evaluation}"))
		if err != nil {
			errs = append(errs, fmt.Errorf("metric %s: %w", name, err))
		}
		return c
	}
	h.requests = counter("feature_flag.evaluation_requests_total", "Evaluations of feature flags.")
	h.successes = counter("feature_flag.evaluation_success_total", "Evaluations of feature flags that had an answer.")
	h.failures = counter("feature_flag.evaluation_error_total", "Evaluations of feature flags that failed.")
	return h, errors.Join(errs...)
}

// Before does nothing: the SDK leaves it out where the provider is not ready.
func (h *metrics) Before(context.Context, openfeature.HookContext, openfeature.HookHints) (*openfeature.EvaluationContext, error) {
	return nil, nil
}

// After counts a success.
func (h *metrics) After(ctx context.Context, hc openfeature.HookContext, d openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) error {
	id := identity{provider: hc.ProviderMetadata().Name, flag: hc.FlagKey(), variant: d.Variant, outcome: string(d.Reason)}
	if len(h.settings.metadata) == 0 && h.settings.more == nil {
		h.successes.Add(ctx, 1, h.known.find(id, func() []attribute.KeyValue { return h.success(id) })...)
		return nil
	}
	attrs := h.settings.kept(h.settings.added(h.success(id), hc, d))
	h.successes.Add(ctx, 1, metric.WithAttributes(attrs...))
	return nil
}

// Error counts a failure.
func (h *metrics) Error(ctx context.Context, hc openfeature.HookContext, err error, _ openfeature.HookHints) {
	code := codeOf(err)
	id := identity{provider: hc.ProviderMetadata().Name, flag: hc.FlagKey(), outcome: string(code), failed: true}
	h.failures.Add(ctx, 1, h.known.find(id, func() []attribute.KeyValue {
		return h.settings.kept(append(id.attributes(), errorType(code)))
	})...)
}

// Finally counts the evaluation.
func (h *metrics) Finally(ctx context.Context, hc openfeature.HookContext, _ openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) {
	id := identity{provider: hc.ProviderMetadata().Name, flag: hc.FlagKey()}
	h.requests.Add(ctx, 1, h.known.find(id, func() []attribute.KeyValue {
		return h.settings.kept(id.attributes())
	})...)
}

// success is the dimensions of a success.
func (h *metrics) success(id identity) []attribute.KeyValue {
	attrs := id.attributes()
	if id.variant != "" {
		attrs = append(attrs, semconv.FeatureFlagResultVariant(id.variant))
	}
	return h.settings.kept(append(attrs, reason(openfeature.Reason(id.outcome))))
}

var codes = []openfeature.ErrorCode{
	openfeature.FlagNotFoundCode, openfeature.ProviderNotReadyCode, openfeature.TypeMismatchCode, openfeature.ParseErrorCode,
	openfeature.InvalidContextCode, openfeature.TargetingKeyMissingCode, openfeature.ProviderFatalCode, openfeature.GeneralCode,
}

// codeOf reads the code off err. The SDK hands its hooks errors without the
// code as a value, and with it in front of the text; what other hooks fail
// with has none.
func codeOf(err error) openfeature.ErrorCode {
	code, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "error code: "), ":")
	if i := slices.Index(codes, openfeature.ErrorCode(code)); i >= 0 {
		return codes[i]
	}
	return openfeature.GeneralCode
}
