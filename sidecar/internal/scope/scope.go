// Package scope reads, and tells back, which part of the flags a request is
// about.
package scope

import (
	"github.com/flagline/flagline/internal/store"
)

// Header is the header whose value, in flagd's spelling, selects flags.
const Header = "Flagd-Selector"

// Headers are those of a request over HTTP or gRPC. Names are found in any case.
type Headers interface{ Values(name string) []string }

// Of returns the selector of a request with these headers: everything, if they
// hold none. The error is for whoever made the request.
func Of(headers Headers) (store.Selector, error) {
	values := headers.Values(Header)
	if len(values) == 0 {
		return store.Selector{}, nil
	}
	return store.ParseSelector(values[0])
}

// Metadata returns sel in the form that answers about many flags, or about one
// that does not exist, have for metadata. It is never nil.
func Metadata(sel store.Selector) map[string]any {
	metadata := map[string]any{}
	if sel.Set != "" {
		metadata["flagSetId"] = sel.Set
	}
	if sel.Source != "" {
		metadata["source"] = sel.Source
	}
	return metadata
}
