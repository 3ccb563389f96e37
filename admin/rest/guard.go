package rest

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/flagline/flagline/admin/api"
)

// authorized lets only those through who present the token.
func (s *server) authorized(next http.Handler) http.Handler {
	want := sha256.Sum256(s.cfg.Token) // so that not even its length shows
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(token)))
		same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if !same || len(s.cfg.Token) == 0 || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, api.CodeDenied, "the request has no valid token; send it as \"Authorization: Bearer …\"")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromHere refuses what a web page of somebody else makes a browser send.
func (s *server) fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Loopback && !isLoopback(r.Host) {
			refuse(w, http.StatusForbidden, api.CodeDenied, "this server answers to loopback names only, such as 127.0.0.1 and localhost")
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" && !sameHost(origin, r.Host) {
			refuse(w, http.StatusForbidden, api.CodeDenied, "requests from other origins are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host == host
}

// isLoopback says whether host, with or without a port, can only mean this
// machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// unknown answers what no route takes.
func (s *server) unknown(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
				allowed = append(allowed, method)
			}
		}
		if slices.Contains(allowed, r.Method) || len(allowed) == 0 {
			refuse(w, http.StatusNotFound, api.CodeNotFound, "there is nothing at "+r.URL.Path+"; /v1/openapi.json lists what there is")
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, http.StatusMethodNotAllowed, api.CodeUsage, "use "+strings.Join(allowed, " or ")+" with "+r.URL.Path)
	})
}
