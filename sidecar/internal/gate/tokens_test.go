package gate_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/sidecar/internal/gate"
)

const (
	token  = "correct-horse-battery"
	second = "staple-staple-staple"
)

func TestCallersNameAToken(t *testing.T) {
	dir := folder(t.TempDir())
	file := dir.write(t, "tokens", []byte("# who may ask\n\n  "+token+"  \r\n"+second+"\n# "+strings.Repeat("x", 20)))
	g, _ := open(t, gate.Config{TokenFile: file})
	handler := g.Handler(
		func(r *http.Request) bool { return r.Method == http.MethodOptions },
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "no")
		},
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "yes") }),
	)
	for _, test := range []struct {
		method, header, value string
		want                  string
	}{
		{"GET", "Authorization", "Bearer " + token, "yes"},
		{"GET", "Authorization", "bearer  " + token + " ", "yes"},
		{"POST", "Authorization", "Bearer " + second, "yes"},
		{"GET", "X-API-Key", token, "yes"},
		{"GET", "x-api-key", second, "yes"},
		{"OPTIONS", "X", "", "yes"},
		{"GET", "X", "", "no"},
		{"GET", "Authorization", "Bearer", "no"},
		{"GET", "Authorization", "Bearer ", "no"},
		{"GET", "Authorization", token, "no"},
		{"GET", "Authorization", "Basic " + token, "no"},
		{"GET", "Authorization", "Bearer " + token + "x", "no"},
		{"GET", "Authorization", "Bearer " + token[1:], "no"},
		{"GET", "X-API-Key", "", "no"},
		{"GET", "X-API-Key", "Bearer " + token, "no"},
		{"GET", "X-API-Key", strings.Repeat("x", 20), "no"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/", http.NoBody)
		r.Header.Set(test.header, test.value)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if got := w.Body.String(); got != test.want {
			t.Errorf("%s with %s: %s answers %q, want %q", test.method, test.header, test.value, got, test.want)
		}
		if got := w.Header().Get("WWW-Authenticate"); (got == "Bearer") != (test.want == "no") {
			t.Errorf("%s with %s: %s asks for %q", test.method, test.header, test.value, got)
		}
	}
	if g.Allowed(nil) || g.Allowed([]string{"Bearer wrong"}) || !g.Allowed([]string{"Basic x", "Bearer " + token}) {
		t.Error("Allowed does not ask for one of the tokens")
	}
}

func TestWithoutTokensEverybodyIsAllowed(t *testing.T) {
	g, _ := open(t, gate.Config{})
	next := http.NewServeMux()
	if got := g.Handler(nil, nil, next); got != http.Handler(next) {
		t.Error("there is something between the door and its handler")
	}
	if !g.Allowed(nil) {
		t.Error("a caller without token is not allowed")
	}
}

func TestTokensAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := folder(t.TempDir())
		file := dir.write(t, "tokens", []byte(token))
		g, log := open(t, gate.Config{TokenFile: file})
		expect := func(when string, first, other bool) {
			t.Helper()
			pass(5 * time.Second)
			if got := g.Allowed([]string{"Bearer " + token}); got != first {
				t.Errorf("%s the first token is allowed: %t", when, got)
			}
			if got := g.Allowed([]string{"Bearer " + second}); got != other {
				t.Errorf("%s the second token is allowed: %t", when, got)
			}
		}
		expect("at first", true, false)
		dir.write(t, "tokens", []byte(token+"\n"+second))
		expect("beside another", true, true)
		dir.write(t, "tokens", []byte(second))
		expect("alone", false, true)
		for what, spoil := range map[string]func(){
			"there is no token":                 func() { dir.write(t, "tokens", nil) },
			"no such file":                      func() { _ = os.Remove(file) },
			"shorter than 16":                   func() { dir.write(t, "tokens", []byte(token+"\nhunter2")) },
			"line 1 is no token":                func() { dir.write(t, "tokens", []byte("hunter2 and more of that")) },
			"tokens is longer than 1048576 byt": func() { dir.write(t, "tokens", make([]byte, 2<<20)) },
		} {
			log.Reset()
			spoil()
			expect("when "+what, false, true)
			if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, what) || strings.Contains(got, "hunter2") {
				t.Errorf("the log says %q, want one line with %q and no token", got, what)
			}
		}
		dir.write(t, "tokens", []byte(token))
		expect("when all is well", true, false)
	})
}
