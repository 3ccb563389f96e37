package flagtest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// keep is how many questions about a flag are remembered, and events of a
// name. It bounds a benchmark that asks a million times.
const keep = 1000

// A Question is one evaluation that the code under test asked for.
type Question struct {
	Type    openfeature.Type
	Default any // what the caller gave: a bool, string, int64, float64, or anything for an object

	// Context is what the SDK made of the contexts of the API, the client
	// and the call, with the targeting key under "targetingKey".
	Context map[string]any

	Value  any // what the answer was
	Detail openfeature.ResolutionDetail
}

// A Tracked is one event that the code under test tracked.
type Tracked struct {
	Context    map[string]any // as in [Question]
	Value      float64
	Attributes map[string]any
}

// Asked returns how flag was asked for, in the order of the answers: the last
// 1,000 times. It is empty if nobody asked.
func (f *Flags) Asked(flag string) []Question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return newest(f.asked[flag])
}

// Tracked returns the events of that name that Client.Track was called with,
// in their order: the last 1,000.
func (f *Flags) Tracked(event string) []Tracked {
	f.mu.Lock()
	defer f.mu.Unlock()
	return newest(f.tracked[event])
}

func newest[E any](all []E) []E { return slices.Clone(all[max(0, len(all)-keep):]) }

// added appends e, and from time to time lets go of what is too old.
func added[E any](all []E, e E) []E {
	if len(all) >= 2*keep {
		all = newest(all)
	}
	return append(all, e)
}

// A double is the provider of a test: the real one, which fails where the test
// says so and notes what it was asked.
type double struct {
	*provider.Provider
	flags *Flags
}

var (
	_ openfeature.FeatureProvider          = (*double)(nil)
	_ openfeature.ContextAwareStateHandler = (*double)(nil)
	_ openfeature.EventHandler             = (*double)(nil)
	_ openfeature.Tracker                  = (*double)(nil)
)

// BooleanEvaluation implements [openfeature.FeatureProvider].
func (d *double) BooleanEvaluation(ctx context.Context, flag string, defaultValue bool, fc openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return answer(ctx, d, openfeature.Boolean, flag, defaultValue, fc, d.Provider.BooleanEvaluation)
}

// StringEvaluation implements [openfeature.FeatureProvider].
func (d *double) StringEvaluation(ctx context.Context, flag, defaultValue string, fc openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return answer(ctx, d, openfeature.String, flag, defaultValue, fc, d.Provider.StringEvaluation)
}

// FloatEvaluation implements [openfeature.FeatureProvider].
func (d *double) FloatEvaluation(ctx context.Context, flag string, defaultValue float64, fc openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return answer(ctx, d, openfeature.Float, flag, defaultValue, fc, d.Provider.FloatEvaluation)
}

// IntEvaluation implements [openfeature.FeatureProvider].
func (d *double) IntEvaluation(ctx context.Context, flag string, defaultValue int64, fc openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return answer(ctx, d, openfeature.Int, flag, defaultValue, fc, d.Provider.IntEvaluation)
}

// ObjectEvaluation implements [openfeature.FeatureProvider].
func (d *double) ObjectEvaluation(ctx context.Context, flag string, defaultValue any, fc openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return answer(ctx, d, openfeature.Object, flag, defaultValue, fc, d.Provider.ObjectEvaluation)
}

// Track implements [openfeature.Tracker].
func (d *double) Track(_ context.Context, name string, ec openfeature.EvaluationContext, details openfeature.TrackingEventDetails) {
	t := Tracked{Context: ec.Attributes(), Value: details.Value(), Attributes: details.Attributes()}
	if key := ec.TargetingKey(); key != "" {
		t.Context[openfeature.TargetingKey] = key
	}
	d.flags.mu.Lock()
	defer d.flags.mu.Unlock()
	d.flags.tracked[name] = added(d.flags.tracked[name], t)
}

func answer[T any](
	ctx context.Context, d *double, kind openfeature.Type, flag string, defaultValue T, fc openfeature.FlattenedContext,
	resolve func(context.Context, string, T, openfeature.FlattenedContext) openfeature.GenericResolutionDetail[T],
) openfeature.GenericResolutionDetail[T] {
	d.flags.mu.Lock()
	code, fails := d.flags.failing[flag]
	d.flags.mu.Unlock()

	var r openfeature.GenericResolutionDetail[T]
	if fails {
		r.Value, r.Reason = defaultValue, openfeature.ErrorReason
		r.ResolutionError = failure(code, fmt.Sprintf("flag %q: the test makes it fail", flag))
	} else {
		r = resolve(ctx, flag, defaultValue, fc)
	}
	q := Question{Type: kind, Default: defaultValue, Context: maps.Clone(fc), Value: r.Value, Detail: r.ResolutionDetail()}
	d.flags.mu.Lock()
	defer d.flags.mu.Unlock()
	d.flags.asked[flag] = added(d.flags.asked[flag], q)
	return r
}

var codes = []openfeature.ErrorCode{
	openfeature.ProviderNotReadyCode, openfeature.ProviderFatalCode, openfeature.FlagNotFoundCode, openfeature.ParseErrorCode,
	openfeature.TypeMismatchCode, openfeature.TargetingKeyMissingCode, openfeature.InvalidContextCode, openfeature.GeneralCode,
}

// failure is the SDK's error of that code.
func failure(code openfeature.ErrorCode, message string) openfeature.ResolutionError {
	switch code {
	case openfeature.ProviderNotReadyCode:
		return openfeature.NewProviderNotReadyResolutionError(message)
	case openfeature.ProviderFatalCode:
		return openfeature.NewProviderFatalResolutionError(message)
	case openfeature.FlagNotFoundCode:
		return openfeature.NewFlagNotFoundResolutionError(message)
	case openfeature.ParseErrorCode:
		return openfeature.NewParseErrorResolutionError(message)
	case openfeature.TypeMismatchCode:
		return openfeature.NewTypeMismatchResolutionError(message)
	case openfeature.TargetingKeyMissingCode:
		return openfeature.NewTargetingKeyMissingResolutionError(message)
	case openfeature.InvalidContextCode:
		return openfeature.NewInvalidContextResolutionError(message)
	default:
		return openfeature.NewGeneralResolutionError(message)
	}
}
