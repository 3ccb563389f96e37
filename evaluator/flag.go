package evaluator

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/reference"
)

// A Flag is one compiled flag. It never changes, and may be evaluated from any
// number of goroutines at once.
type Flag struct {
	engine   reference.Flag
	metadata map[string]any
	content  [sha256.Size]byte // of everything that answers depend on
	broken   error             // why it never compiled; nil if it did
}

// CompileFlag compiles the flag key from its definition, one flagd flag
// object, which borrows from settings; nil settings hold nothing.
//
// It accepts what flagd accepts and leaves strictness to package lint. What is
// refused is what could not be answered: a definition that is not an object, a
// default variant that is not among the variants, an unknown operator, a $ref
// to an evaluator that does not exist, is itself mistaken, or leads in a
// circle. The error joins one [*SyntaxError] for each mistake, with pointers
// relative to the flag.
func CompileFlag(key string, definition []byte, settings *Settings) (*Flag, error) {
	f, found := compileFlag(key, definition, settings)
	if found != nil {
		return nil, found.err()
	}
	return f, nil
}

func compileFlag(key string, definition []byte, settings *Settings) (*Flag, mistakes) {
	decoded, found := decode[any](definition)
	if found != nil {
		return nil, found
	}
	object, ok := decoded.(map[string]any)
	if !ok {
		found.add("", "is %s, want an object", syntax.Kind(decoded))
		return nil, found
	}
	if name, rule, ok := member(object, "targeting"); ok {
		found = settings.checkUsed(syntax.Pointer("", name), rule)
	}
	// A reference is replaced wherever it stands, in the values of variants
	// too: flagd does not look where in a document it is.
	expanded, err := settings.expand(object)
	if err != nil {
		found.add("", "%v", err)
		return nil, found
	}
	f := newFlag(key, expanded, settings, &found)
	if found != nil {
		return nil, found
	}
	f.content = f.digest()
	return f, nil
}

// newFlag reads the members of a definition without references.
func newFlag(key string, definition any, settings *Settings, found *mistakes) *Flag {
	object, ok := definition.(map[string]any)
	if !ok {
		found.add("", "is %s, want an object", syntax.Kind(definition))
		return nil
	}
	f := &Flag{engine: reference.Flag{
		Key:            key,
		State:          stringMember(object, "state", found),
		Variants:       objectMember(object, "variants", found),
		DefaultVariant: stringMember(object, "defaultVariant", found),
	}}
	f.checkDefaultVariant(object, found)
	f.metadata = settings.overlay(objectMember(object, "metadata", found))
	if _, rule, ok := member(object, "targeting"); ok {
		f.engine.Targeting = encode(rule)
	}
	return f
}

func (f *Flag) checkDefaultVariant(object map[string]any, found *mistakes) {
	if _, variants, _ := member(object, "variants"); variants != nil && f.engine.Variants == nil {
		return // which is reported already
	}
	name := f.engine.DefaultVariant
	if name == "" {
		return
	}
	if _, ok := f.engine.Variants[name]; !ok {
		key, _, _ := member(object, "defaultVariant")
		found.add(syntax.Pointer("", key), "there is no variant %q; %s", name, syntax.ThereAre(f.engine.Variants))
	}
}

func (f *Flag) digest() [sha256.Size]byte {
	return sha256.Sum256(encode([]any{
		f.engine.State, f.engine.Variants, f.engine.DefaultVariant, string(f.engine.Targeting), f.metadata,
	}))
}

// BrokenFlag returns a flag that answers every question with PARSE_ERROR and
// cause. It stands in for a flag of which no version ever compiled.
func BrokenFlag(key string, cause error) *Flag {
	if cause == nil {
		cause = errors.New("it never compiled")
	}
	return &Flag{
		engine:  reference.Flag{Key: key},
		content: sha256.Sum256([]byte(cause.Error())),
		broken:  cause,
	}
}

// Key returns the key that the flag was compiled with.
func (f *Flag) Key() string { return f.engine.Key }

// same says whether f and g give the same answers to the same questions.
func (f *Flag) same(g *Flag) bool {
	return f == g || bytes.Equal(f.content[:], g.content[:])
}

// Evaluate answers for the context ec, which may be nil.
func (f *Flag) Evaluate(ec Context) Resolution {
	if f.broken != nil {
		return f.fail(CodeParseError, f.broken)
	}
	answer := f.engine.Evaluate(ec)
	if answer.Code != "" {
		return f.fail(errorOf(answer.Code))
	}
	r := Resolution{
		Value:    answer.Value,
		Variant:  answer.Variant,
		Reason:   Reason(answer.Reason),
		Metadata: f.metadata,
		flag:     f.Key(),
	}
	if answer.Reason == reference.ReasonFallback {
		r.Value, r.Variant, r.Reason = nil, "", ReasonDefault
	}
	return r
}

func (f *Flag) fail(code ErrorCode, cause error) Resolution {
	return Resolution{
		Reason:   ReasonError,
		Metadata: f.metadata,
		Err:      &Error{Code: code, Flag: f.Key(), Err: cause},
		flag:     f.Key(),
	}
}

// The causes behind flagd's bare error codes.
var (
	errRule        = errors.New("the targeting rule could not be evaluated")
	errNoValue     = errors.New("the variant has no value")
	errNoVariant   = errors.New("the targeting rule named a variant that does not exist")
	errContext     = errors.New("the evaluation context cannot be written as JSON")
	errPanic       = errors.New("the evaluation broke down")
	errUnknownFlag = errors.New("there is no such flag")
)

// errorOf translates an error of flagd. A context that cannot be encoded has a
// code of its own there, "ERROR", which its services answer as GENERAL.
func errorOf(code string) (ErrorCode, error) {
	switch code {
	case string(CodeParseError):
		return CodeParseError, errRule
	case string(CodeTypeMismatch):
		return CodeTypeMismatch, errNoValue
	case string(CodeGeneral):
		return CodeGeneral, errNoVariant
	case string(ReasonError):
		return CodeGeneral, errContext
	case reference.CodePanic:
		return CodeParseError, errPanic
	default:
		return CodeGeneral, fmt.Errorf("the evaluation ended with %s", code)
	}
}
