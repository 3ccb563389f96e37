// Package flagdoc reads and writes flagd documents as bytes, without deciding
// what they mean.
//
// Nothing that a document says is lost between [Parse] and [Format]: members
// keep their order, numbers and strings their spelling, and properties that
// nobody here has heard of stay where they are. A flag is therefore the same
// bytes whether it came from a file, from NATS or out of an export, so that
// "did it change?" is a comparison of bytes.
//
// Whether a flag makes sense is for the evaluator to say. This package refuses
// only what is not a document at all.
package flagdoc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/source"
)

// A Document is one flagd document: the flags of a set, and what surrounds them.
type Document struct {
	// Set is metadata.flagSetId, or "" if that is absent or not a string.
	Set string

	// Settings is a compact JSON object of all top-level members except
	// "flags", in the order of the document; nil if there are none.
	Settings []byte

	// Flags are in byte order of their keys, and no key occurs twice.
	Flags []Flag
}

// A Flag is the definition of one flag.
type Flag struct {
	Key string

	// Body is compact JSON: an object in every sound document, but that is
	// not checked here, so that one flag of the wrong shape does not take the
	// others with it.
	Body []byte
}

// Parse reads a JSON document. Its flags may be an object or, as flagd has it,
// an array of objects that name themselves with "key"; that member is then not
// part of the body. Of two flags with the same key, and of two top-level
// members with the same name, the last one wins.
//
// The document shares no memory with data.
func Parse(data []byte) (Document, error) {
	text, err := compact(data)
	if err != nil {
		return Document{}, err
	}
	return read(text)
}

// ParseFile reads a document in the notation that the extension of name calls
// for: .json, .yaml or .yml. Every error begins with name.
func ParseFile(name string, data []byte) (Document, error) {
	parse := Parse
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".json":
	case ".yaml", ".yml":
		parse = ParseYAML
	default:
		return Document{}, fmt.Errorf("%s: unknown extension %q; flags are read from .json, .yaml and .yml", name, ext)
	}
	doc, err := parse(data)
	if err != nil {
		return Document{}, fmt.Errorf("%s: %w", name, err)
	}
	return doc, nil
}

// Records returns what a source delivers for d: the settings, if there are
// any, and then each flag.
//
// A flag whose own metadata have a flagSetId belongs to that set, or to the
// unnamed one if it is not a string, as in flagd. Since it stands in this
// document all the same, such a set gets the settings of the document, too.
func (d Document) Records() []source.Record {
	records := make([]source.Record, 0, len(d.Flags)+1)
	settled := make(map[string]bool, 1)
	settle := func(set string) {
		if d.Settings != nil && !settled[set] {
			settled[set] = true
			records = append(records, source.Record{Set: set, Body: d.Settings, Settings: true})
		}
	}
	settle(d.Set)
	for _, f := range d.Flags {
		set := f.set(d.Set)
		settle(set)
		records = append(records, source.Record{Set: set, Key: f.Key, Body: f.Body})
	}
	return records
}

// set returns the set that the flag says it belongs to, or else that of its
// document.
func (f Flag) set(document string) string {
	if !bytes.Contains(f.Body, []byte("flagSetId")) && bytes.IndexByte(f.Body, '\\') < 0 {
		return document // which spares most flags to be taken apart
	}
	id := lookup(lookup(f.Body, "metadata"), "flagSetId")
	switch kindOf(id) {
	case "nothing":
		return document
	case "a string":
		return unquote(id)
	default:
		return ""
	}
}

// read takes a compact JSON value apart.
func read(text []byte) (Document, error) {
	if kind := kindOf(text); kind != "an object" {
		return Document{}, fmt.Errorf(`the document is %s; it must be an object with a member "flags"`, kind)
	}

	var settings []member
	var flags []byte
	seen := map[string]int{} // where in settings
	for m := range members(text) {
		name := m.name()
		at, again := seen[name]
		switch {
		case name == "flags":
			flags = m.value
		case again:
			settings[at] = m
		default:
			seen[name] = len(settings)
			settings = append(settings, m)
		}
	}
	if flags == nil {
		return Document{}, errors.New(`the document has no member "flags"`)
	}

	var doc Document
	if settings != nil {
		doc.Settings = join(settings)
		doc.Set = setName(doc.Settings)
	}
	var err error
	doc.Flags, err = readFlags(flags)
	return doc, err
}

func readFlags(text []byte) ([]Flag, error) {
	var flags []Flag
	switch kind := kindOf(text); kind {
	case "an object":
		for m := range members(text) {
			flags = append(flags, Flag{Key: m.name(), Body: m.value})
		}
	case "an array":
		for e := range elements(text) {
			f, err := readElement(e)
			if err != nil {
				return nil, fmt.Errorf("/flags/%d: %w", len(flags), err)
			}
			flags = append(flags, f)
		}
	default:
		return nil, fmt.Errorf("/flags: this is %s; flags are an object, or an array of objects with a \"key\"", kind)
	}
	return lastOfEach(flags), nil
}

// readElement reads a flag that names itself.
func readElement(text []byte) (Flag, error) {
	if kind := kindOf(text); kind != "an object" {
		return Flag{}, fmt.Errorf("this is %s; a flag in an array is an object with a \"key\"", kind)
	}
	var body []member
	var key string
	for m := range members(text) {
		if m.name() != "key" {
			body = append(body, m)
			continue
		}
		if kindOf(m.value) != "a string" {
			return Flag{}, fmt.Errorf("the \"key\" of a flag is a string, not %s", kindOf(m.value))
		}
		key = unquote(m.value)
	}
	if key == "" {
		return Flag{}, errors.New(`the flag has no "key"`)
	}
	return Flag{Key: key, Body: join(body)}, nil
}

// lastOfEach sorts flags by key and keeps the last one of each.
func lastOfEach(flags []Flag) []Flag {
	slices.Reverse(flags) // the sort is stable, and compaction keeps the first
	slices.SortStableFunc(flags, byKey)
	return slices.Clip(slices.CompactFunc(flags, func(a, b Flag) bool { return a.Key == b.Key }))
}

func byKey(a, b Flag) int { return cmp.Compare(a.Key, b.Key) }

// setName returns metadata.flagSetId of settings.
func setName(settings []byte) string {
	id := lookup(lookup(settings, "metadata"), "flagSetId")
	if kindOf(id) != "a string" {
		return ""
	}
	return unquote(id)
}
