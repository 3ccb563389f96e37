package provider

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
)

var (
	_ openfeature.FeatureProvider          = (*Provider)(nil)
	_ openfeature.ContextAwareStateHandler = (*Provider)(nil)
	_ openfeature.EventHandler             = (*Provider)(nil)
)

const name = "flagline"

// A Provider answers flag evaluations of the OpenFeature SDK. All its methods
// may be called at once from any number of goroutines, and one provider may
// be set for any number of domains.
type Provider struct {
	settings settings
	events   chan openfeature.Event

	mu   sync.Mutex // held to replace life
	life atomic.Pointer[life]
}

// New returns a provider that is ready to be set. It opens nothing: that is
// left to the initialisation. An error names every option that is wrong.
func New(opts ...Option) (*Provider, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	return &Provider{settings: s, events: make(chan openfeature.Event)}, nil
}

// Metadata names the provider.
func (p *Provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: name} }

// Hooks returns none.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// EventChannel returns the channel on which the provider tells of its state
// and of changed flags. It is the same for the provider's whole existence and
// is never closed. Events that nobody receives are merged, and forgotten at
// shutdown.
func (p *Provider) EventChannel() <-chan openfeature.Event { return p.events }

// BooleanEvaluation resolves a flag whose variants are booleans.
func (p *Provider) BooleanEvaluation(ctx context.Context, flag string, defaultValue bool, fc openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return resolve(ctx, p, flag, defaultValue, fc, mode.boolean)
}

// StringEvaluation resolves a flag whose variants are strings.
func (p *Provider) StringEvaluation(ctx context.Context, flag string, defaultValue string, fc openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return resolve(ctx, p, flag, defaultValue, fc, mode.text)
}

// FloatEvaluation resolves a flag whose variants are numbers.
func (p *Provider) FloatEvaluation(ctx context.Context, flag string, defaultValue float64, fc openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return resolve(ctx, p, flag, defaultValue, fc, mode.float)
}

// IntEvaluation resolves a flag whose variants are numbers. What comes after
// the decimal point is cut off, as flagd does it.
func (p *Provider) IntEvaluation(ctx context.Context, flag string, defaultValue int64, fc openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return resolve(ctx, p, flag, defaultValue, fc, mode.integer)
}

// ObjectEvaluation resolves a flag whose variants are objects. The value is a
// map[string]any that belongs to the caller, or defaultValue.
func (p *Provider) ObjectEvaluation(ctx context.Context, flag string, defaultValue any, fc openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return resolve(ctx, p, flag, defaultValue, fc, mode.object)
}

// A mode is where answers come from.
type mode interface {
	// follow keeps the mode up to date and tells tell how it stands, until
	// ctx is done.
	follow(ctx context.Context, tell teller)

	boolean(ctx context.Context, flag string, ec evaluator.Context) answer[bool]
	text(ctx context.Context, flag string, ec evaluator.Context) answer[string]
	float(ctx context.Context, flag string, ec evaluator.Context) answer[float64]
	integer(ctx context.Context, flag string, ec evaluator.Context) answer[int64]
	object(ctx context.Context, flag string, ec evaluator.Context) answer[any]
}

// An answer is what one evaluation came to. If ok is false, the caller's
// default value applies.
type answer[T any] struct {
	value    T
	ok       bool
	variant  string
	reason   evaluator.Reason
	metadata map[string]any
	err      error
}

var errNotReady = errors.New("the provider has no flags yet")

func resolve[T any](
	ctx context.Context, p *Provider, flag string, defaultValue T, fc openfeature.FlattenedContext,
	ask func(mode, context.Context, string, evaluator.Context) answer[T],
) openfeature.GenericResolutionDetail[T] {
	l := p.life.Load()
	if l == nil || l.stopped() {
		return detail(defaultValue, answer[T]{err: errNotReady})
	}
	ec, err := normalise(fc)
	if err != nil {
		err := &evaluator.Error{Code: evaluator.CodeInvalidContext, Flag: flag, Err: err}
		return detail(defaultValue, answer[T]{err: err})
	}
	return detail(defaultValue, ask(l.mode, ctx, flag, ec))
}

// detail puts a in the SDK's words.
func detail[T any](defaultValue T, a answer[T]) openfeature.GenericResolutionDetail[T] {
	d := openfeature.GenericResolutionDetail[T]{Value: defaultValue}
	d.FlagMetadata = a.metadata
	if a.err != nil {
		d.Reason = openfeature.ErrorReason
		d.ResolutionError = resolutionError(a.err)
		return d
	}
	d.Reason = openfeature.Reason(a.reason)
	if a.ok {
		d.Value, d.Variant = a.value, a.variant
	}
	return d
}

func resolutionError(err error) openfeature.ResolutionError {
	if errors.Is(err, errNotReady) {
		return openfeature.NewProviderNotReadyResolutionError(err.Error())
	}
	e, ok := errors.AsType[*evaluator.Error](err)
	if !ok {
		return openfeature.NewGeneralResolutionError(err.Error(), err)
	}
	switch e.Code {
	case evaluator.CodeFlagNotFound:
		return openfeature.NewFlagNotFoundResolutionError(e.Error())
	case evaluator.CodeTypeMismatch:
		return openfeature.NewTypeMismatchResolutionError(e.Error())
	case evaluator.CodeParseError:
		return openfeature.NewParseErrorResolutionError(e.Error(), e)
	case evaluator.CodeInvalidContext:
		return openfeature.NewInvalidContextResolutionError(e.Error())
	default:
		return openfeature.NewGeneralResolutionError(e.Error(), e)
	}
}
