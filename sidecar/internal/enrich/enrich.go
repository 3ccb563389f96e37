// Package enrich completes what a caller says about a subject with what the
// operator of a sidecar knows: values that always hold, and values that
// arrive in HTTP headers.
package enrich

import (
	"maps"
	"slices"

	"github.com/flagline/flagline/evaluator"
)

// Rules say which values join every evaluation context. The zero Rules add
// nothing. They must not be changed while requests are answered.
type Rules struct {
	// Static holds values that replace what a caller says.
	Static map[string]any

	// Headers maps the name of an HTTP header, in any case, to the key of
	// the context that takes its value, as a string. A header that a request
	// has replaces what the caller says and what is static.
	Headers map[string]string
}

// Headers are those of a request over HTTP or gRPC. Names are found in any case.
type Headers interface{ Values(name string) []string }

// Context returns who is asking: what the caller said, overlaid with the
// static values, overlaid with those from headers. It changes and returns
// asked, which may be nil.
func (r Rules) Context(asked map[string]any, headers Headers) evaluator.Context {
	if asked == nil {
		asked = make(map[string]any, len(r.Static)+len(r.Headers))
	}
	maps.Copy(asked, r.Static)
	if len(r.Headers) == 0 {
		return asked
	}
	// If several name one key, the last in byte order counts, every time.
	for _, header := range slices.Sorted(maps.Keys(r.Headers)) {
		if values := headers.Values(header); len(values) > 0 {
			asked[r.Headers[header]] = values[0]
		}
	}
	return asked
}
