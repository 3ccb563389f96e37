package cors_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/cors"
)

func TestOriginsAreAllowedAsListed(t *testing.T) {
	tests := []struct {
		name    string
		origins []string
		origin  string
		want    string
	}{
		{"no list allows everybody", nil, "https://a.example", "*"},
		{"star allows everybody", []string{"*"}, "https://a.example", "*"},
		{"a listed origin is named", []string{"https://a.example"}, "https://a.example", "https://a.example"},
		{"case does not matter", []string{"https://A.example"}, "https://a.example", "https://a.example"},
		{"another origin is not", []string{"https://a.example"}, "https://b.example", ""},
		{"a pattern covers subdomains", []string{"https://*.example"}, "https://a.example", "https://a.example"},
		{"a pattern is anchored", []string{"https://*.example"}, "https://a.example.evil", ""},
		{"a pattern does not overlap itself", []string{"https://ab*ba.example"}, "https://aba.example", ""},
		{"no origin gets no permission", nil, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			w := httptest.NewRecorder()
			cors.Handler(test.origins, teapot()).ServeHTTP(w, r)

			if got := w.Header().Get("Access-Control-Allow-Origin"); got != test.want {
				t.Errorf("allowed origin of %q among %q is %q, want %q", test.origin, test.origins, got, test.want)
			}
			if w.Code != http.StatusTeapot {
				t.Errorf("status is %d, want that of the handler behind", w.Code)
			}
		})
	}
}

func TestPreflightIsAnsweredWithoutTheHandler(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/", nil)
	r.Header.Set("Origin", "https://a.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "content-type, authorization")
	w := httptest.NewRecorder()
	cors.Handler(nil, teapot()).ServeHTTP(w, r)

	if w.Code != http.StatusNoContent {
		t.Errorf("status is %d, want %d", w.Code, http.StatusNoContent)
	}
	if got := w.Header().Get("Access-Control-Allow-Headers"); got != "content-type, authorization" {
		t.Errorf("allowed headers are %q, want those asked for", got)
	}
	if got := w.Header().Get("Access-Control-Allow-Methods"); got == "" {
		t.Error("no methods are allowed")
	}
}

func TestOptionsWithoutPreflightReachesTheHandler(t *testing.T) {
	w := httptest.NewRecorder()
	cors.Handler(nil, teapot()).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/", nil))
	if w.Code != http.StatusTeapot {
		t.Errorf("status is %d, want that of the handler behind", w.Code)
	}
}

func teapot() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
}
