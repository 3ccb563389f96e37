package evaluator

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync/atomic"

	"github.com/flagline/flagline/internal/jsontree"
)

// An origin is what a flag was compiled from.
type origin struct {
	definition []byte
	settings   *Settings
}

var errNoDefinition = errors.New("the flag has no definition: it is broken, or was compiled as part of a document")

// Definition returns the flag as flagd hands it on to evaluators elsewhere: a
// compact JSON object of "state", "defaultVariant", "variants", "targeting" if
// there is one, and "metadata" if there are any. References are replaced by the
// rules they refer to, and the metadata are those of answers: the set's overlaid
// with the flag's. Nothing else that the author wrote is in it.
//
// It needs the bytes that [CompileFlag] was given, which must not have been
// changed since. There is an error for flags that came from elsewhere.
func (f *Flag) Definition() ([]byte, error) {
	if f.origin == nil {
		return nil, errNoDefinition
	}
	decoded, _, ok := jsontree.Decode(f.origin.definition)
	members, isObject := decoded.(map[string]any)
	if !ok || !isObject {
		return nil, errNoDefinition
	}
	expanded, err := f.origin.settings.expand(members)
	if err != nil {
		return nil, err
	}
	if object, ok := expanded.(map[string]any); ok {
		members = object
	}
	return f.define(members)
}

// Default returns the value of the default variant, or nil if there is none. It
// is shared and must not be changed.
func (f *Flag) Default() any {
	if f.fallback == none {
		return nil
	}
	return f.variants[f.fallback].value
}

// ReadsTime says whether answers may differ from one second to the next.
func (f *Flag) ReadsTime() bool { return f.rule != nil && f.rule.ReadsTime() }

// Reads returns, in byte order, the members of a context that answers may depend
// on, none for a flag without a rule: without the others the answer is the same. ok
// is false if they may depend on any. The list must not be changed.
func (f *Flag) Reads() (members []string, ok bool) {
	if f.rule == nil || f.disabled {
		return nil, true
	}
	return f.rule.Reads()
}

// define writes what flagd writes, in its order. That a state other than
// DISABLED means enabled is said outright: not everybody who reads this knows.
func (f *Flag) define(members map[string]any) ([]byte, error) {
	state := "ENABLED"
	if f.disabled {
		state = "DISABLED"
	}
	fallback := ""
	if f.fallback != none {
		fallback = f.variants[f.fallback].name
	}
	_, variants, _ := member(members, "variants")
	if variants == nil {
		variants = map[string]any{}
	}
	text := memberWriter{begun: []byte{'{'}}
	text.add("state", state)
	text.add("defaultVariant", fallback)
	text.add("variants", variants)
	if _, rule, ok := member(members, "targeting"); ok {
		text.add("targeting", rule)
	}
	if len(f.metadata) > 0 {
		text.add("metadata", f.metadata)
	}
	return append(text.begun, '}'), text.err
}

// A memberWriter writes an object, in the order of its calls.
type memberWriter struct {
	begun []byte
	err   error
}

func (w *memberWriter) add(name string, value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it is no part of a page, and longer
	if err := encoder.Encode(value); err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	if len(w.begun) > 1 {
		w.begun = append(w.begun, ',')
	}
	w.begun = append(w.begun, '"')
	w.begun = append(w.begun, name...)
	w.begun = append(w.begun, `":`...)
	w.begun = append(w.begun, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// A keepsake is what somebody keeps with a flag.
type keepsake = atomic.Pointer[any]

// Keep returns what create returned when Keep was first called for f: whoever
// serves answers can keep with a flag what follows from it, encoded forms for
// example, for as long as the flag lives, and finds it without looking for it.
// A program keeps one kind of thing. If the first calls come at once, create may
// be called more than once, and one of the results is kept.
func (f *Flag) Keep(create func(*Flag) any) any {
	if kept := f.kept.Load(); kept != nil {
		return *kept
	}
	created := create(f)
	if f.kept.CompareAndSwap(nil, &created) {
		return created
	}
	return *f.kept.Load()
}
