package httppoll_test

import (
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestHeadersAreSent(t *testing.T) {
	p := publish(t)
	p.answer(one)
	r := watch(t, httppoll.Config{
		URI: p.URL, AuthHeader: "Bearer hunter2",
		Headers: map[string]string{"x-team": "shop", "Host": "flags.example"},
	})
	awaitWell(t, r)
	asked := p.questions()[0]
	for name, want := range map[string]string{
		"Authorization": "Bearer hunter2",
		"X-Team":        "shop",
		"Accept":        "application/json, application/yaml",
	} {
		if got := asked.Header.Get(name); got != want {
			t.Errorf("the header %s is %q, want %q", name, got, want)
		}
	}
	if asked.Host != "flags.example" {
		t.Errorf("the host is %q, want flags.example", asked.Host)
	}
}

func TestRedirectToAnotherHostTakesNoSecretAlong(t *testing.T) {
	elsewhere := publish(t)
	elsewhere.answer(two)
	p := publish(t)
	p.do(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/here?sig=hunter2", http.StatusFound)
			return
		}
		http.Redirect(w, r, elsewhere.URL+"/flags", http.StatusFound)
	})
	r := watch(t, httppoll.Config{
		URI: p.URL + "/?sig=hunter2", AuthHeader: "Bearer hunter2", Headers: map[string]string{"X-Key": "hunter2"},
	})
	awaitFlag(t, r, "2")
	if here := p.questions()[1]; here.URL.Path != "/here" || here.Header.Get("Authorization") == "" || here.Header.Get("X-Key") == "" {
		t.Errorf("on the same host, %s is asked with %v", here.URL, here.Header)
	}
	for name, values := range elsewhere.questions()[0].Header {
		if strings.Contains(strings.Join(values, " "), "hunter2") {
			t.Errorf("the other host gets the header %s: %q", name, values)
		}
	}
}

func TestTLSGoesByTheGivenAuthoritiesAndStaysTLS(t *testing.T) {
	plain := publish(t)
	plain.answer(two)
	var away atomic.Bool
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Redirect(w, r, plain.URL, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(one))
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := watch(t, httppoll.Config{URI: server.URL})
	awaitErr(t, stranger, "certificate")
	r := watch(t, httppoll.Config{URI: server.URL, CAFile: ca})
	awaitWell(t, r)
	away.Store(true)
	if s := awaitErr(t, r, "from https to http"); len(s.Updates) != 1 {
		t.Errorf("there were %d updates, want 1", len(s.Updates))
	}
}

// A tokenServer gives out a new token for each question with the secret.
type tokenServer struct {
	*httptest.Server
	secret atomic.Value
	given  atomic.Int64
}

func serveTokens(t *testing.T, secret string) *tokenServer {
	t.Helper()
	s := new(tokenServer)
	s.secret.Store(secret)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.FormValue("client_id") != "me" || r.FormValue("client_secret") != s.secret.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": r.FormValue("client_secret")})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": "token-" + string(rune('0'+s.given.Add(1))), "token_type": "Bearer", "expires_in": 3600,
		})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTokenIsGotOnceAndAgainIfItIsNotTaken(t *testing.T) {
	tokens := serveTokens(t, "hunter2")
	p := publish(t)
	p.answer(one)
	r := watch(t, httppoll.Config{
		URI: p.URL, AuthHeader: "not looked at",
		OAuth: &httppoll.OAuth{TokenURL: tokens.URL, ClientID: "me", ClientSecret: "hunter2"},
	})
	awaitQuestions(t, r, p, 3)
	if got := p.questions()[2].Header.Get("Authorization"); got != "Bearer token-1" {
		t.Errorf("the third question has %q, want Bearer token-1", got)
	}
	p.do(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(two))
	})
	awaitFlag(t, r, "2")
}

func TestCredentialsInAFolderAreReadAgain(t *testing.T) {
	tokens := serveTokens(t, "hunter2")
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := publish(t)
	p.answer(one)
	r := watch(t, httppoll.Config{
		URI:   p.URL,
		OAuth: &httppoll.OAuth{TokenURL: tokens.URL, Folder: dir, ReloadDelay: time.Millisecond},
	})
	awaitErr(t, r, "client-id")
	write("client-id", "me\n")
	write("client-secret", "\n")
	awaitErr(t, r, "the file is empty")
	write("client-secret", "hunter1\n")
	if s := awaitErr(t, r, "the token server answers 401"); strings.Contains(s.Status.Err.Error(), "hunter") {
		t.Errorf("the error repeats the secret: %v", s.Status.Err)
	}
	write("client-secret", "hunter2\n")
	awaitWell(t, r)

	tokens.secret.Store("hunter3")
	write("client-secret", "hunter3")
	r.Await(t, "a token for the new secret", func(sourcetest.State) bool { return tokens.given.Load() == 2 })
}
