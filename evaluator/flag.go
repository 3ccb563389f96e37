package evaluator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/jsonlogic"
	"github.com/flagline/flagline/internal/jsontree"
)

// A Flag is one compiled flag. It never changes, and may be evaluated from any
// number of goroutines at once.
type Flag struct {
	key      string
	disabled bool
	variants []variant // by name
	fallback int       // the default variant; none if there is none

	rule     *jsonlogic.Program // whose constants are outcomes; nil without targeting
	metadata map[string]any
	content  contentHash
	broken   error // why it never compiled; nil if it did

	origin *origin // nil if it is not known
	kept   keepsake
}

type variant struct {
	name  string
	value any // nil is a value that nobody can have
}

// none stands for no variant.
const none = -1

// CompileFlag compiles the flag key from its definition, one flagd flag
// object, which borrows from settings; nil settings hold nothing.
//
// It accepts what flagd accepts and leaves strictness to package lint. What is
// refused is what could not be answered: a definition that is not an object, a
// default variant that is not among the variants, an unknown operator, a $ref
// to an evaluator that does not exist, is itself mistaken, or leads in a
// circle, and a rule beyond the bounds of package jsonlogic. The error joins one
// [*SyntaxError] for each mistake, with pointers relative to the flag.
func CompileFlag(key string, definition []byte, settings *Settings) (*Flag, error) {
	c := compilation{settings: settings}
	if v, ok := jsontree.DecodeCompact(definition); ok {
		if f := c.quickly(key, asObject(v)); f != nil {
			f.origin = &origin{definition, settings}
			return f, nil
		}
	}
	decoded, found := decode(definition)
	if found != nil {
		return nil, found.err()
	}
	f, found := c.flag(key, decoded)
	if found != nil {
		return nil, found.err()
	}
	f.origin = &origin{definition, settings}
	return f, nil
}

// A compilation compiles flags of one set, one after the other.
type compilation struct {
	settings *Settings
	scratch  []byte    // room for what is hashed
	variants []variant // room for those of a flag
	usual    []variant // those of the flag before; never changed
}

func (c *compilation) flag(key string, definition any) (f *Flag, found mistakes) {
	members, ok := definition.(map[string]any)
	if !ok {
		found.add("", "is %s, want an object", syntax.Kind(definition))
		return nil, found
	}
	members, found = c.settings.replaceRefs(members)
	f = &Flag{key: key}
	var own mistakes // are told after those of the rule
	f.readVariants(members, &own)
	f.disabled = stringMember(members, "state", &own) == "DISABLED"
	f.metadata = c.settings.overlay(objectMember(members, "metadata", &own))
	at, rule, targeted := member(members, "targeting")
	if found == nil && targeted {
		f.rule = f.compileRule(c.settings, at, rule, &found)
	}
	if found = append(found, own...); found != nil {
		return nil, found
	}
	f.content, c.scratch = hashContent(f, rule, targeted, c.scratch)
	return f, nil
}

// replaceRefs replaces the references to evaluators in a definition. It does so
// wherever they stand, in the values of variants too: flagd does not look where
// in a document they are.
func (s *Settings) replaceRefs(members map[string]any) (replaced map[string]any, found mistakes) {
	if len(s.allEvaluators()) == 0 {
		return members, nil
	}
	if at, rule, ok := member(members, "targeting"); ok {
		if found = s.checkUsed(syntax.Pointer("", at), rule); found != nil {
			return members, found
		}
	}
	expanded, err := s.expand(members)
	if err != nil {
		found.add("", "%v", err)
		return members, found
	}
	replaced, ok := expanded.(map[string]any)
	if !ok {
		found.add("", "is %s, want an object", syntax.Kind(expanded))
	}
	return replaced, found
}

// compileRule compiles the rule that is the member at of the flag.
func (f *Flag) compileRule(settings *Settings, at string, rule any, found *mistakes) *jsonlogic.Program {
	if isEmptyObject(rule) {
		return nil // which flagd takes for none
	}
	program, err := jsonlogic.CompileFor(rule, func(v any) int { return f.outcomeOf(v).number() })
	if err == nil {
		return program
	}
	// Most rules are right, and do without a search for what is wrong, and
	// where.
	if wrong := settings.checkUsed(syntax.Pointer("", at), rule); wrong != nil {
		*found = append(*found, wrong...)
	} else {
		found.add(syntax.Pointer("", at), "%v", err)
	}
	return nil
}

func isEmptyObject(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case *jsontree.Object:
		return len(v.Members) == 0
	}
	return false
}

func (f *Flag) readVariants(members map[string]any, found *mistakes) {
	variants := objectMember(members, "variants", found)
	f.variants = make([]variant, 0, len(variants))
	for name, value := range variants {
		f.variants = append(f.variants, variant{name, value})
	}
	sortVariants(f.variants)

	f.fallback = none
	name := stringMember(members, "defaultVariant", found)
	if name == "" {
		return
	}
	if f.fallback = f.find(name); f.fallback != none {
		return
	}
	if _, given, _ := member(members, "variants"); given != nil && variants == nil {
		return // which is reported already
	}
	at, _, _ := member(members, "defaultVariant")
	found.add(syntax.Pointer("", at), "there is no variant %q; %s", name, syntax.ThereAre(variants))
}

func sortVariants(variants []variant) {
	slices.SortFunc(variants, func(a, b variant) int { return strings.Compare(a.name, b.name) })
}

// find returns which variant is called so, or none.
func (f *Flag) find(name string) int {
	if len(f.variants) <= 8 {
		for i := range f.variants {
			if f.variants[i].name == name {
				return i
			}
		}
		return none
	}
	i, ok := slices.BinarySearchFunc(f.variants, name, func(v variant, name string) int { return strings.Compare(v.name, name) })
	if !ok {
		return none
	}
	return i
}

// BrokenFlag returns a flag that answers every question with PARSE_ERROR and
// cause. It stands in for a flag of which no version ever compiled.
func BrokenFlag(key string, cause error) *Flag {
	if cause == nil {
		cause = errors.New("it never compiled")
	}
	return &Flag{
		key:     key,
		content: hashOf([]byte(cause.Error())),
		broken:  cause,
	}
}

// Key returns the key that the flag was compiled with.
func (f *Flag) Key() string { return f.key }

// name is the key for texts, also of an answer that no flag gave.
func (f *Flag) name() string {
	if f == nil {
		return ""
	}
	return f.key
}

// Sum tells apart flags that may answer differently, or whose metadata differ:
// what has the same sum, 128 bits of a SHA-256, gives the same answers, in this
// process and in others of the same version.
func (f *Flag) Sum() [16]byte { return f.content }

// same says whether f and g give the same answers to the same questions.
func (f *Flag) same(g *Flag) bool { return f == g || f.content == g.content }

// Evaluate answers for the context ec, which may be nil.
func (f *Flag) Evaluate(ec Context) (r Resolution) {
	f.resolve(&r, ec)
	return r
}

// EvaluateAt is [Flag.Evaluate] at another time, which only matters to rules
// that read $flagd.timestamp.
func (f *Flag) EvaluateAt(ec Context, now time.Time) (r Resolution) {
	f.resolveAt(&r, ec, now.Unix())
	return r
}

// resolve fills in r, which is empty: a Resolution is large, and costs more to
// hand up than most flags cost to evaluate.
func (f *Flag) resolve(r *Resolution, ec Context) {
	var now int64
	if f.rule != nil && f.rule.ReadsTime() {
		now = time.Now().Unix()
	}
	f.resolveAt(r, ec, now)
}

func (f *Flag) resolveAt(r *Resolution, ec Context, now int64) {
	r.Metadata, r.flag = f.metadata, f
	switch {
	case f.broken != nil:
		r.fail(f, CodeParseError, f.broken)
		return
	case f.disabled:
		r.Reason = ReasonDisabled
		return
	case f.rule == nil:
		r.answer(f, f.fallback, ReasonStatic)
		return
	}
	var result jsonlogic.Result
	f.rule.Run(jsonlogic.Input{Context: ec, FlagKey: f.key, Now: now}, &result)
	var o outcome
	switch {
	case result.Constant >= 0:
		o = numbered(result.Constant)
	case result.Err != nil:
		r.failRule(f, result.Err)
		return
	default:
		o = f.outcomeOfResult(&result)
	}
	switch o {
	case outcomeNull:
		r.answer(f, f.fallback, ReasonDefault)
	case outcomeUnknown:
		r.fail(f, CodeGeneral, errNoVariant)
	case outcomeNone:
		r.fail(f, CodeParseError, errRule)
	default:
		r.answer(f, int(o), ReasonTargetingMatch)
	}
}

// answer gives variant i of f. Without one the caller's own default value
// applies.
func (r *Resolution) answer(f *Flag, i int, reason Reason) {
	if i == none {
		r.Reason = ReasonDefault
		return
	}
	v := &f.variants[i]
	if v.value == nil {
		r.fail(f, CodeTypeMismatch, errNoValue)
		return
	}
	r.Value, r.Variant, r.Reason = v.value, v.name, reason
}

func (r *Resolution) fail(f *Flag, code ErrorCode, cause error) {
	r.Reason, r.Err = ReasonError, &Error{Code: code, Flag: f.key, Err: cause}
}

// failRule answers for a rule that could not be evaluated. A context that cannot
// be encoded has a code of its own in flagd, "ERROR", which its services answer
// as GENERAL.
func (r *Resolution) failRule(f *Flag, err error) {
	if _, ok := errors.AsType[*jsonlogic.ContextError](err); ok {
		r.fail(f, CodeGeneral, err)
		return
	}
	r.fail(f, CodeParseError, fmt.Errorf("%w: %w", errRule, err))
}

// The causes behind flagd's bare error codes.
var (
	errRule        = errors.New("the targeting rule could not be evaluated")
	errNoValue     = errors.New("the variant has no value")
	errNoVariant   = errors.New("the targeting rule named a variant that does not exist")
	errUnknownFlag = errors.New("there is no such flag")
)
