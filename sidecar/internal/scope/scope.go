// Package scope reads, and tells back, which part of the flags a request is
// about.
package scope

import (
	"net/http"

	"github.com/flagline/flagline/internal/store"
)

// Header is the header whose value, in flagd's spelling, selects flags.
const Header = "Flagd-Selector"

// Of returns the selector of a request with these headers: everything, if they
// hold none. The error is for whoever made the request.
func Of(headers http.Header) (store.Selector, error) {
	return store.ParseSelector(headers.Get(Header))
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
