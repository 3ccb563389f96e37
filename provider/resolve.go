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

// asObject reads the value of an answer as an object that belongs to the caller.
func asObject(r evaluator.Resolution) (v any, ok bool, err *evaluator.Error) {
	shared, ok, err := r.Object()
	if !ok {
		return nil, false, err
	}
	return cloned(shared), true, nil
}

// detail puts an answer in the SDK's words.
func detail[T any](
	defaultValue T, r evaluator.Resolution, as func(evaluator.Resolution) (T, bool, *evaluator.Error),
) openfeature.GenericResolutionDetail[T] {
	d := openfeature.GenericResolutionDetail[T]{Value: defaultValue}
	d.FlagMetadata = r.Metadata
	v, ok, err := as(r)
	if err != nil {
		d.Reason = openfeature.ErrorReason
		d.ResolutionError = resolutionError(err)
		return d
	}
	d.Reason = openfeature.Reason(r.Reason)
	if ok {
		d.Value, d.Variant = v, r.Variant
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
