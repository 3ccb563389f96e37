// Package lint criticises flags before they are published. It is stricter than
// the evaluator, which answers as well as it can with what it is given: here a
// rule that could never do what its author meant is a mistake.
//
// Every mistake of a document is found in one go, each once, where its author
// has to correct it. A document without errors compiles.
package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// A Severity says whether a finding stands in the way of publication.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning" // it works, but hardly as meant
)

// A Finding is one mistake.
type Finding struct {
	Pointer  string   `json:"pointer"` // JSON pointer (RFC 6901), "" for the whole document
	Severity Severity `json:"severity"`
	Code     Code     `json:"code"`
	Message  string   `json:"message"` // for people
}

// A Code is the kind of a finding, for programs.
type Code string

// The codes of findings.
const (
	CodeNotJSON         Code = "not_json"
	CodeNotUTF8         Code = "not_utf8"
	CodeTooDeep         Code = "too_deep"
	CodeDuplicate       Code = "duplicate_member"
	CodeMissingProperty Code = "missing_property"
	CodeWrongType       Code = "wrong_type"
	CodeWrongValue      Code = "wrong_value"
	CodeWrongFormat     Code = "wrong_format"
	CodeEmpty           Code = "empty"
	CodeSchema          Code = "schema" // the schema forbids it in some other way
	CodeMixedTypes      Code = "mixed_types"
	CodeUnknownDefault  Code = "unknown_default_variant"
	CodeUnknownVariant  Code = "unknown_variant"
	CodeUnknownOperator Code = "unknown_operator"
	CodeUnknownRef      Code = "unknown_ref"
	CodeRefCycle        Code = "ref_cycle"
	CodeWrongWeight     Code = "wrong_weight"
	CodeWrongFractional Code = "wrong_fractional"
	CodeWrongArguments  Code = "wrong_arguments"
	CodeWrongSemVer     Code = "wrong_sem_ver"
	CodeDoesNotCompile  Code = "does_not_compile" // none of the above, but the evaluator refuses it
)

// Document returns what is wrong with a flag set, which is a flagd document in
// JSON, in the order of pointers. It returns nil if nothing is.
func Document(data []byte) []Finding {
	_, found := Compile(data)
	return found
}

// Compile is [Document] for those who want to use the flag set too. It returns
// nil instead of one if a finding is an error.
func Compile(data []byte) (*evaluator.FlagSet, []Finding) {
	var c *critic
	if k, ok := skim(data); ok {
		c = k.criticised()
	} else {
		var found []Finding
		if c, found = study(data); found != nil {
			return nil, found
		}
	}
	var set *evaluator.FlagSet
	c.compile("", func() (err error) { set, err = evaluator.Compile(data); return err })
	return set, c.sorted()
}

// study is [skim] for documents that are not right as a whole: it criticises
// all of it at once, unless there is nothing to be told but how it is written.
func study(data []byte) (*critic, []Finding) {
	if found := Spelling(data); found != nil {
		return nil, found // the rest depends on which of two counts
	}
	var doc any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, []Finding{notJSON("", data, err)}
	}
	c := &critic{doc: doc}
	c.schema(doc)
	c.evaluators()
	for at, flag := range c.flags() {
		c.flag(at, flag)
	}
	return c, nil
}

// Flag returns what is wrong with the flag key, as [Document] would for a
// document that holds only this flag and settings, which are the members of
// the document beside "flags" as one object, or nil. Pointers begin with
// /flags and the key. What is wrong with the settings alone is not reported,
// but where the flag relies on it.
func Flag(key string, definition, settings []byte) []Finding {
	at := syntax.Pointer("/flags", key)
	surroundings := make(map[string]any)
	var unreadable error
	if settings != nil {
		unreadable = json.Unmarshal(settings, &surroundings)
	}
	c := critic{doc: surroundings, alone: true}
	if unreadable != nil || key == "" || !isRight(definition, false, newLoans(&c)) {
		var flag any
		if err := json.Unmarshal(definition, &flag); err != nil {
			return []Finding{notJSON(at, definition, err)}
		}
		if unreadable != nil {
			return []Finding{notJSON("", settings, unreadable)}
		}
		c.schema(map[string]any{"flags": map[string]any{key: flag}})
		c.flag(at, flag)
	}
	c.compile(at, func() error {
		shared, err := evaluator.CompileSettings("", settings)
		if err != nil {
			return nil // which is not the flag's mistake
		}
		_, err = evaluator.CompileFlag(key, definition, shared)
		return err
	})
	return c.sorted()
}

func notJSON(at string, data []byte, err error) Finding {
	return Finding{
		Pointer:  at,
		Severity: SeverityError,
		Code:     CodeNotJSON,
		Message:  "is not JSON: " + syntax.NotJSON(data, err),
	}
}

// A critic collects what is wrong with one document.
type critic struct {
	doc     any
	alone   bool   // there is one flag, and the rest is not its business
	index   string // of the flag that is the only one of an array; "" otherwise
	circles *circles
	found   []Finding
}

func (c *critic) fail(at string, code Code, format string, args ...any) {
	c.found = append(c.found, Finding{at, SeverityError, code, fmt.Sprintf(format, args...)})
}

func (c *critic) warn(at string, code Code, format string, args ...any) {
	c.found = append(c.found, Finding{at, SeverityWarning, code, fmt.Sprintf(format, args...)})
}

// compile asks the evaluator for its opinion if nothing else is wrong: some
// spellings slip past us that the evaluator, like flagd, understands.
func (c *critic) compile(at string, compile func() error) {
	if slices.ContainsFunc(c.found, func(f Finding) bool { return f.Severity == SeverityError }) {
		return
	}
	for _, err := range joined(compile()) {
		if s, ok := errors.AsType[*evaluator.SyntaxError](err); ok {
			c.fail(at+s.Pointer, CodeDoesNotCompile, "%s", s.Message)
		} else {
			c.fail(at, CodeDoesNotCompile, "%v", err)
		}
	}
}

// joined takes an error of errors.Join apart.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	return []error{err}
}

// sorted returns the findings as a document lists them: by pointer, numbers by
// their value, each once.
func (c *critic) sorted() []Finding {
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		if order := comparePointers(a.Pointer, b.Pointer); order != 0 {
			return order
		}
		return strings.Compare(string(a.Code)+a.Message, string(b.Code)+b.Message)
	})
	return slices.Compact(c.found)
}

func comparePointers(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), func(a, b string) int {
		if isIndex(a) && isIndex(b) && len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
