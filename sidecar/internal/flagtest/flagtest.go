// Package flagtest gives the tests of the sidecar's services flags to answer.
package flagtest

import (
	"testing"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

// Source is the name of the source in the stores of this package.
const Source = "flags.json"

// Document has a flag for each thing that can come of a question. The flag
// "by-email" answers "yes" to a@example.com and has no default variant.
const Document = `{
	"metadata": {"flagSetId": "shop"},
	"flags": {
		"bool":     {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on", "metadata": {"owner": "team-a"}},
		"text":     {"state": "ENABLED", "variants": {"hi": "hello"}, "defaultVariant": "hi"},
		"float":    {"state": "ENABLED", "variants": {"half": 1.5}, "defaultVariant": "half"},
		"int":      {"state": "ENABLED", "variants": {"one": 1}, "defaultVariant": "one"},
		"object":   {"state": "ENABLED", "variants": {"o": {"a": [1, "x", null]}}, "defaultVariant": "o"},
		"array":    {"state": "ENABLED", "variants": {"a": [1, 2]}, "defaultVariant": "a"},
		"off":      {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"},
		"by-email": {"state": "ENABLED", "variants": {"yes": true},
			"targeting": {"if": [{"==": [{"var": "email"}, "a@example.com"]}, "yes", null]}},
		"null":     {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": null},
		"stranger": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": "gone"},
		"region":   {"state": "ENABLED", "variants": {"eu": "eu", "us": "us"}, "defaultVariant": "us", "targeting": {"var": "region"}}
	}
}`

// Store returns a store whose only source has delivered document, and the way
// to deliver another one.
func Store(t testing.TB, document string) (*store.Store, source.Sink) {
	t.Helper()
	st := store.New()
	sink := st.Add(Source)
	Deliver(t, sink, 1, document)
	return st, sink
}

// Deliver makes document, as a whole, what the source holds, and returns the
// flags that did not compile.
func Deliver(t testing.TB, sink source.Sink, generation uint64, document string) []source.Rejection {
	t.Helper()
	doc, err := flagdoc.Parse([]byte(document))
	if err != nil {
		t.Fatalf("parse the flags: %v", err)
	}
	return sink.Apply(source.Update{
		Version: source.Version{Generation: generation},
		Replace: true,
		Records: doc.Records(),
	})
}
