// Package cors lets web pages of other origins call an HTTP handler, as the
// Fetch standard describes it.
package cors

import (
	"net/http"
	"slices"
	"strings"
)

const (
	methods = "HEAD, GET, POST, PUT, PATCH, DELETE"

	// exposed are the answer's headers that a page may read: what gRPC-Web
	// and Connect need, and the ETag of OFREP.
	exposed = "ETag, Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin"

	// maxAge is how many seconds a browser may remember a preflight.
	maxAge = "7200"
)

// Handler answers preflights itself and passes everything else on to next,
// with the headers that let pages of the given origins read the answer. An
// origin is scheme://host[:port] and may hold one "*", which stands for
// anything. No origins at all means every origin. Credentials are never
// allowed.
func Handler(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Add("Vary", "Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if origin := r.Header.Get("Origin"); origin != "" && allowed(origins, origin) {
			header.Set("Access-Control-Allow-Origin", shown(origins, origin))
			if preflight {
				allow(header, r.Header)
			} else {
				header.Set("Access-Control-Expose-Headers", exposed)
			}
		}
		if preflight {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func allow(answer, asked http.Header) {
	answer.Set("Access-Control-Allow-Methods", methods)
	answer.Set("Access-Control-Max-Age", maxAge)
	// The asked headers are named one by one because "*" would not cover
	// Authorization.
	if names := asked.Get("Access-Control-Request-Headers"); names != "" {
		answer.Set("Access-Control-Allow-Headers", names)
		answer.Add("Vary", "Access-Control-Request-Headers")
	}
}

// shown is "*" if everybody is allowed, so that caches may share the answer.
func shown(origins []string, origin string) string {
	if len(origins) == 0 || slices.Contains(origins, "*") {
		return "*"
	}
	return origin
}

func allowed(origins []string, origin string) bool {
	return len(origins) == 0 || slices.ContainsFunc(origins, func(pattern string) bool {
		return matches(strings.ToLower(pattern), strings.ToLower(origin))
	})
}

func matches(pattern, origin string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == origin
	}
	return len(origin) >= len(before)+len(after) &&
		strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after)
}
