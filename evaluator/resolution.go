package evaluator

import "fmt"

// A Context is who is asking: the evaluation context, flattened as
// OpenFeature does it, with the targeting key under "targetingKey". Its values
// are what encoding/json can encode. Evaluation never changes it.
type Context = map[string]any

// A Reason says how an answer came about, in OpenFeature's and flagd's words.
type Reason string

// The reasons that an evaluation gives.
const (
	ReasonStatic         Reason = "STATIC"          // the flag has no targeting
	ReasonTargetingMatch Reason = "TARGETING_MATCH" // targeting named the variant
	ReasonDefault        Reason = "DEFAULT"         // targeting named none
	ReasonDisabled       Reason = "DISABLED"        // the flag is switched off
	ReasonError          Reason = "ERROR"           // see Resolution.Err
)

// An ErrorCode says, in OpenFeature's words, why a flag could not be resolved.
type ErrorCode string

// The error codes that an evaluation gives.
const (
	CodeFlagNotFound   ErrorCode = "FLAG_NOT_FOUND"
	CodeParseError     ErrorCode = "PARSE_ERROR"
	CodeTypeMismatch   ErrorCode = "TYPE_MISMATCH"
	CodeInvalidContext ErrorCode = "INVALID_CONTEXT"
	CodeGeneral        ErrorCode = "GENERAL"
)

// A Resolution is the answer to one evaluation.
type Resolution struct {
	// Value is a bool, a string, a float64, a map[string]any or a []any. It
	// is shared with other answers and must not be changed. It is nil if the
	// caller's own default value applies: for a disabled flag, for a flag
	// without a default variant whose targeting named none, and on errors.
	Value any

	Variant string // "" if Value is nil
	Reason  Reason

	// Metadata is the flag set's metadata overlaid with the flag's. It is
	// shared and must not be changed.
	Metadata map[string]any

	Err *Error // set exactly if Reason is ReasonError

	flag *Flag // for the texts of errors; nil if there is none
}

// An Error says why a flag could not be resolved. Programs look at Code;
// people read the text.
type Error struct {
	Code ErrorCode
	Flag string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("flag %q: %v", e.Flag, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
