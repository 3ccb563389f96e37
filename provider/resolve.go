package provider

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/provider/internal/remote"
)

// A mode is where answers come from.
type mode interface {
	// follow keeps the mode up to date and tells tell how it stands, until
	// ctx is done.
	follow(ctx context.Context, tell teller)

	// forget is called when the origin of the flags has been out of reach for
	// the whole grace period.
	forget()

	// resolve answers for one flag. The kind of value that is wanted matters to
	// who is asked; what comes back may be of any.
	resolve(ctx context.Context, k kind, flag string, ec evaluator.Context) evaluator.Resolution
}

type kind = remote.Kind

const (
	boolean = remote.Boolean
	text    = remote.String
	float   = remote.Float
	integer = remote.Int
	object  = remote.Object
)

// reasonCached is the reason of answers that were given before.
const reasonCached = evaluator.Reason(openfeature.CachedReason)

var (
	errNotReady   = errors.New("the provider has no flags yet")
	errNoSuchFlag = errors.New("there is no such flag")
)

func (p *Provider) resolve(ctx context.Context, k kind, flag string, ec evaluator.Context) evaluator.Resolution {
	l := p.life.Load()
	if l == nil || l.stopped() {
		return failed(evaluator.CodeGeneral, flag, errNotReady)
	}
	return l.mode.resolve(ctx, k, flag, ec)
}

func failed(code evaluator.ErrorCode, flag string, err error) evaluator.Resolution {
	return evaluator.Resolution{
		Reason: evaluator.ReasonError,
		Err:    &evaluator.Error{Code: code, Flag: flag, Err: err},
	}
}

// detail puts an answer in the SDK's words. as reads its value as a T.
func detail[T bool | string | float64 | int64 | map[string]any](
	defaultValue T, r evaluator.Resolution, as func(evaluator.Resolution) (T, bool, *evaluator.Error),
) (d openfeature.GenericResolutionDetail[T]) {
	d.Value, d.FlagMetadata = defaultValue, r.Metadata
	if v, ok := r.Value.(T); ok && r.Err == nil { // what as would say, without handing r on
		d.Value, d.Variant, d.Reason = v, r.Variant, openfeature.Reason(r.Reason)
		return d
	}
	v, ok, err := as(r)
	switch {
	case err != nil:
		d.Reason, d.ResolutionError = openfeature.ErrorReason, resolutionError(err)
		return d
	case ok:
		d.Value, d.Variant = v, r.Variant
	}
	d.Reason = openfeature.Reason(r.Reason)
	return d
}

// objectDetail is detail for objects, which the SDK does not type: the value
// belongs to the caller, and may be a default of any type.
func objectDetail(defaultValue any, r evaluator.Resolution) openfeature.InterfaceResolutionDetail {
	typed := detail(nil, r, evaluator.Resolution.Object)
	d := openfeature.InterfaceResolutionDetail{Value: defaultValue, ProviderResolutionDetail: typed.ProviderResolutionDetail}
	if typed.Value != nil {
		d.Value = cloned(typed.Value)
	}
	return d
}

func resolutionError(e *evaluator.Error) openfeature.ResolutionError {
	if errors.Is(e, errNotReady) {
		return openfeature.NewProviderNotReadyResolutionError(e.Error())
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

// cloned copies v, which is shared with other answers, for a caller who may
// change it.
func cloned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for key, member := range c {
			c[key] = cloned(member)
		}
		return c
	case []any:
		c := slices.Clone(v)
		for i, element := range c {
			c[i] = cloned(element)
		}
		return c
	default:
		return v
	}
}
