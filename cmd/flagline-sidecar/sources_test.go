package main_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A website is a server with one document, which may be changed and taken away.
type website struct {
	*httptest.Server
	document atomic.Value
	away     atomic.Bool
}

func serveDocument(t *testing.T, document string) *website {
	t.Helper()
	w := new(website)
	w.document.Store(document)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.away.Load() || r.Header.Get("Authorization") != "Bearer hunter2" {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = rw.Write([]byte(w.document.Load().(string)))
	}))
	t.Cleanup(w.Close)
	return w
}

func TestDocumentBehindAURLIsFollowedFromBeforeItIsThere(t *testing.T) {
	web := serveDocument(t, document("red"))
	web.away.Store(true)
	p := launch(t, nil, "--sources", `[{"uri":"`+web.URL+`/flags.json?sig=hunter2","provider":"http","interval":1,"authHeader":"Bearer hunter2"}]`)
	if got := p.readiness(t); got != "412" {
		t.Errorf("readyz without flags is %s, want 412", got)
	}
	web.away.Store(false)
	eventually(t, "color", func() string { return p.value(t, "color") }, "red")
	web.document.Store(document("blue"))
	eventually(t, "color", func() string { return p.value(t, "color") }, "blue")
	web.away.Store(true)
	eventually(t, "the status", func() string {
		_, body := request(t, http.MethodGet, "http://"+p.Management+"/status", "")
		if strings.Contains(body, "403 Forbidden") {
			return "troubled"
		}
		return body
	}, "troubled")
	if got := p.value(t, "color"); got != "blue" {
		t.Errorf("while the server is away, color is %s, want blue", got)
	}
}

func TestHigherSourceThatDropsAFlagUncoversTheLowerOnes(t *testing.T) {
	web := serveDocument(t, document("blue"))
	path := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	p := launch(t, nil, "--uri", "file:"+path,
		"--sources", `[{"uri":"`+web.URL+`","provider":"http","interval":1,"authHeader":"Bearer hunter2"}]`)
	eventually(t, "color", func() string { return p.value(t, "color") }, "blue")
	web.document.Store(`{"flags":{}}`)
	eventually(t, "color", func() string { return p.value(t, "color") }, "red")
}

func TestSidecarFollowsAnotherOneThroughItsRestart(t *testing.T) {
	dir := t.TempDir()
	shop := func(color string) string {
		return strings.Replace(document(color), `"color":{`, `"color":{"metadata":{"flagSetId":"shop"},`, 1)
	}
	path := write(t, filepath.Join(dir, "flags.json"), shop("red"))
	socket := filepath.Join(dir, "sync")
	first := launch(t, nil, "--uri", "file:"+path, "--sync-socket-path", socket)
	second := launch(t, nil, "--uri", "unix:"+socket)
	eventually(t, "color", func() string { return second.value(t, "color") }, "red")
	write(t, path, shop("blue"))
	eventually(t, "color", func() string { return second.value(t, "color") }, "blue")
	if got := second.value(t, "color", "Flagd-Selector", "flagSetId=shop"); got != "blue" {
		t.Errorf("in its set, color is %s, want blue", got)
	}
	if got := second.value(t, "color", "Flagd-Selector", "flagSetId=other"); got != "<nil>" {
		t.Errorf("in another set, color is %s, want nothing", got)
	}

	first.signal(t, os.Kill)
	first.end(t)
	if got := second.value(t, "color"); got != "blue" {
		t.Errorf("without the first sidecar, color is %s, want blue", got)
	}
	write(t, path, shop("red"))
	launch(t, nil, "--uri", "file:"+path, "--sync-socket-path", socket)
	eventually(t, "color", func() string { return second.value(t, "color") }, "red")
}
