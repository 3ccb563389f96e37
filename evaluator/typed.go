package evaluator

import (
	"fmt"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// Bool returns the value as a boolean. It returns ok false and no error if
// there is no value, so that the caller's default value applies. The error is
// the resolution's own, or TYPE_MISMATCH if the value is of another type.
func (r Resolution) Bool() (v bool, ok bool, err *Error) { return typed[bool](r, "a boolean") }

// Text returns the value as a string, on the terms of [Resolution.Bool].
func (r Resolution) Text() (v string, ok bool, err *Error) { return typed[string](r, "a string") }

// Float returns the value as a number, on the terms of [Resolution.Bool].
func (r Resolution) Float() (v float64, ok bool, err *Error) { return typed[float64](r, "a number") }

// Int returns the value as a whole number, on the terms of [Resolution.Bool].
// A fraction is cut off.
func (r Resolution) Int() (v int64, ok bool, err *Error) {
	f, ok, err := typed[float64](r, "a number")
	return int64(f), ok, err
}

// Object returns the value as an object, on the terms of [Resolution.Bool].
// The map is shared and must not be changed.
func (r Resolution) Object() (v map[string]any, ok bool, err *Error) {
	return typed[map[string]any](r, "an object")
}

func typed[T any](r Resolution, want string) (v T, ok bool, err *Error) {
	if r.Err != nil {
		return v, false, r.Err
	}
	if r.Value == nil {
		return v, false, nil
	}
	if v, ok = r.Value.(T); ok {
		return v, true, nil
	}
	return v, false, &Error{
		Code: CodeTypeMismatch,
		Flag: r.flag.name(),
		Err:  fmt.Errorf("variant %q is %s, not %s", r.Variant, syntax.Kind(r.Value), want),
	}
}
