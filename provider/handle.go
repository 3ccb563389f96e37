package provider

import (
	"context"
	"maps"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
)

// A Handle asks for one flag, past the OpenFeature SDK, for code that does so
// millions of times a second. An evaluation through the SDK merges contexts, runs
// hooks and allocates; a handle does none of it: in-process it costs what the
// flag's rule costs, and some twenty nanoseconds.
//
// What the SDK is for is therefore left out: the contexts of the API, the client
// and the transaction are not looked at, and no hook sees the evaluation. Its
// answers are otherwise those of the provider.
//
// A handle may be used from any number of goroutines at once, before the provider
// is initialised and after it was shut down, when it answers with its default
// value. It follows the flag through all changes.
type Handle[T bool | string | float64 | int64 | map[string]any] struct {
	provider     *Provider
	flag         string
	defaultValue T
	kind         kind
	as           func(evaluator.Resolution) (T, bool, *evaluator.Error)

	found atomic.Pointer[found]
}

// A found flag is the right one for as long as the snapshot has the same number.
type found struct {
	flag   *evaluator.Flag
	life   *byte // a mode's identity, which keeps nothing of it
	number uint64
}

// BooleanHandle returns a handle for a flag whose variants are booleans.
func (p *Provider) BooleanHandle(flag string, defaultValue bool) *Handle[bool] {
	return &Handle[bool]{provider: p, flag: flag, defaultValue: defaultValue, kind: boolean, as: evaluator.Resolution.Bool}
}

// StringHandle returns a handle for a flag whose variants are strings.
func (p *Provider) StringHandle(flag, defaultValue string) *Handle[string] {
	return &Handle[string]{provider: p, flag: flag, defaultValue: defaultValue, kind: text, as: evaluator.Resolution.Text}
}

// FloatHandle returns a handle for a flag whose variants are numbers.
func (p *Provider) FloatHandle(flag string, defaultValue float64) *Handle[float64] {
	return &Handle[float64]{provider: p, flag: flag, defaultValue: defaultValue, kind: float, as: evaluator.Resolution.Float}
}

// IntHandle returns a handle for a flag whose variants are numbers. What comes
// after the decimal point is cut off.
func (p *Provider) IntHandle(flag string, defaultValue int64) *Handle[int64] {
	return &Handle[int64]{provider: p, flag: flag, defaultValue: defaultValue, kind: integer, as: evaluator.Resolution.Int}
}

// ObjectHandle returns a handle for a flag whose variants are objects. What it
// returns is shared with other answers and must not be changed.
func (p *Provider) ObjectHandle(flag string, defaultValue map[string]any) *Handle[map[string]any] {
	return &Handle[map[string]any]{
		provider: p, flag: flag, defaultValue: defaultValue, kind: object,
		as: evaluator.Resolution.Object,
	}
}

// Value returns the value of the flag for the context ec, or the default value
// where the provider would return that. ec has the targeting key under
// "targetingKey"; nil is the empty context. It is not changed and not kept.
//
// ctx bounds how long a sidecar is waited for. In-process nothing is waited for.
func (h *Handle[T]) Value(ctx context.Context, ec map[string]any) T {
	r := h.resolve(ctx, ec)
	if v, ok := r.Value.(T); ok && r.Err == nil {
		return v
	}
	if v, ok, err := h.as(r); ok && err == nil { // a whole number
		return v
	}
	return h.defaultValue
}

// Details returns what [Handle.Value] returns, and how it came about, as a
// provider tells the SDK.
func (h *Handle[T]) Details(ctx context.Context, ec map[string]any) openfeature.GenericResolutionDetail[T] {
	d := detail(h.defaultValue, h.resolve(ctx, ec), h.as)
	d.FlagMetadata = maps.Clone(d.FlagMetadata) // as the SDK does it
	return d
}

func (h *Handle[T]) resolve(ctx context.Context, ec evaluator.Context) evaluator.Resolution {
	l := h.provider.life.Load()
	if l == nil || l.stopped() {
		return failed(evaluator.CodeGeneral, h.flag, errNotReady)
	}
	m, ok := l.mode.(*inProcess)
	if !ok {
		return l.mode.resolve(ctx, h.kind, h.flag, ec)
	}
	now := m.store.Current()
	f := h.found.Load()
	if f == nil || f.life != m.identity || f.number != now.Number {
		flag, ok := now.Find(m.selector, h.flag)
		if !ok {
			return m.missing(h.flag)
		}
		f = &found{flag: flag, life: m.identity, number: now.Number}
		h.found.Store(f)
	}
	return m.evaluate(f.flag, ec)
}
