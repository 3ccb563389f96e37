package evalrpc

import (
	"net/http"
	"net/url"
	"strings"
)

// legacyPath is where schema.v1.Service is asked: the name under which old
// clients know version 1.
const legacyPath = "/schema.v1.Service/"

// legacy answers requests to the old name with next, which serves path. The
// messages of both are the same on the wire, but for metadata that old clients
// pass over.
func legacy(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := strings.TrimPrefix(r.URL.Path, legacyPath)
		r = r.Clone(r.Context())
		r.URL = &url.URL{Path: path + method, RawQuery: r.URL.RawQuery}
		next.ServeHTTP(w, r)
	})
}
