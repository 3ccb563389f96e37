package syncrpc

import (
	"bytes"
	"net/http"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// ServeHTTP answers GET and HEAD with the document that the selector in the
// header shows, and with 304 to those who have it.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	sel, err := scope.Of(r.Header)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !s.store.Ready() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, errNotReady.Text, http.StatusServiceUnavailable)
		return
	}
	s.serveDocument(w, r, sel)
}

func (s *Service) serveDocument(w http.ResponseWriter, r *http.Request, sel store.Selector) {
	document := s.documents.Of(s.store.Current(), sel)
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("ETag", document.etag())
	header.Add("Vary", scope.Header)
	// Two changes of one second have the same time, so that alone says nothing.
	r.Header.Del("If-Modified-Since")
	// It looks at what the caller has.
	http.ServeContent(w, r, "", document.made, bytes.NewReader(document.text))
}
