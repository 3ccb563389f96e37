package gate_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/sidecar/internal/gate"
)

func TestCertificateIsReplacedWhileConnectionsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		dir.writePair(t, ca, "first", tomorrow())
		g, log := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})

		old, err := meet(t, g, &tls.Config{RootCAs: ca.pool()})
		if err != nil || old.shown() != "first" {
			t.Fatalf("the gate is %v, %v; want first", old, err)
		}
		dir.writePair(t, ca, "second", tomorrow())
		pass(2 * time.Second)
		if got := name(t, g, ca); got != "second" {
			t.Errorf("after the change the gate is %q, want second", got)
		}
		old.speak(t)
		if got := strings.Count(log.String(), "take over changed files"); got != 1 {
			t.Errorf("the log tells %d times of the change, want once: %s", got, log)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		old.speak(t) // closing the gate is no reason either
	})
}

func TestBrokenPairKeepsTheLastGoodOneAndIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		dir.writePair(t, ca, "good", tomorrow())
		g, log := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
		_, other := ca.issue(t, "other", tomorrow())

		for _, test := range []struct {
			what  string
			spoil func()
			want  string
		}{
			{"another key", func() { dir.write(t, "tls.key", other) }, "does not match"},
			{"no certificate", func() { dir.write(t, "tls.crt", nil) }, "tls.crt and "},
			{"nothing", func() { _ = os.Remove(dir.path("tls.crt")) }, "tls.crt"},
			{"a folder", func() { _ = os.Mkdir(dir.path("tls.crt"), 0o700) }, "not a regular file"},
		} {
			log.Reset()
			test.spoil()
			pass(10 * time.Second)
			if got := name(t, g, ca); got != "good" {
				t.Errorf("with %s the gate is %q, want good", test.what, got)
			}
			if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, test.want) || !strings.Contains(got, "door=evaluation") {
				t.Errorf("with %s the log says %q, want one line with %q and the door", test.what, got, test.want)
			}
		}

		_ = os.Remove(dir.path("tls.crt"))
		dir.writePair(t, ca, "mended", tomorrow())
		pass(2 * time.Second)
		if got := name(t, g, ca); got != "mended" {
			t.Errorf("at last the gate is %q, want mended", got)
		}
	})
}

func TestPairThatIsHalfReplacedIsNoMistake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		dir.writePair(t, ca, "first", tomorrow())
		g, log := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})

		certificate, key := ca.issue(t, "second", tomorrow())
		pass(500 * time.Millisecond) // the files are read on the full second
		dir.write(t, "tls.crt", certificate)
		pass(time.Second)
		if got := name(t, g, ca); got != "first" {
			t.Errorf("in between the gate is %q, want first", got)
		}
		dir.write(t, "tls.key", key)
		pass(time.Second)
		if got := name(t, g, ca); got != "second" {
			t.Errorf("the gate is %q, want second", got)
		}
		if strings.Contains(log.String(), "ERROR") {
			t.Errorf("the log says %s, want no error", log)
		}
	})
}

// Kubernetes swaps one symbolic link, through which all files are reached.
func TestFilesOfAKubernetesSecretAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		mount := func(name string) {
			if err := os.Mkdir(dir.path(name), 0o700); err != nil {
				t.Fatal(err)
			}
			folder(dir.path(name)).writePair(t, ca, name, tomorrow())
			if err := os.Symlink(name, dir.path("..next")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(dir.path("..next"), dir.path("..data")); err != nil {
				t.Fatal(err)
			}
		}
		mount("first")
		for _, file := range []string{"tls.crt", "tls.key"} {
			if err := os.Symlink("..data/"+file, dir.path(file)); err != nil {
				t.Fatal(err)
			}
		}
		g, _ := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
		mount("second")
		_ = os.RemoveAll(dir.path("first"))
		pass(2 * time.Second)
		if got := name(t, g, ca); got != "second" {
			t.Errorf("the gate is %q, want second", got)
		}
	})
}

func TestOldTLSIsRefused(t *testing.T) {
	dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
	dir.writePair(t, ca, "gate", tomorrow())
	g, _ := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		_, err := meet(t, g, &tls.Config{RootCAs: ca.pool(), MinVersion: version, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestOnlyClientsOfTheAuthoritiesComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		dir.writePair(t, ca, "gate", tomorrow())
		theirs, later := newAuthority(t, "clients"), newAuthority(t, "later clients")
		dir.write(t, "ca.crt", theirs.pem)
		g, log := open(t, gate.Config{
			CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key"), ClientCAFile: dir.path("ca.crt"),
		})
		// Clients may resume a session, if they are given one.
		sessions := tls.NewLRUClientSessionCache(8)
		ask := func(shown ...tls.Certificate) error {
			m, err := meet(t, g, &tls.Config{RootCAs: ca.pool(), Certificates: shown, ClientSessionCache: sessions})
			if err == nil {
				m.speak(t)
				m.part()
			}
			return err
		}
		known, next := theirs.pair(t, "client", tomorrow()), later.pair(t, "client", tomorrow())
		expect := func(when string, err error, want bool) {
			t.Helper()
			if (err == nil) != want {
				t.Errorf("%s: %v", when, err)
			}
		}
		expect("a client of the authority", ask(known), true)
		expect("a client without certificate", ask(), false)
		expect("a client of another authority", ask(next), false)
		expect("a client whose time is over", ask(theirs.pair(t, "client", time.Now().Add(-time.Minute))), false)

		dir.write(t, "ca.crt", append(bytes.Clone(theirs.pem), later.pem...))
		pass(2 * time.Second)
		expect("one of two authorities", ask(known), true)
		expect("the other of two authorities", ask(next), true)

		dir.write(t, "ca.crt", later.pem)
		pass(2 * time.Second)
		expect("the authority that is no more", ask(known), false)
		expect("the authority that is left", ask(next), true)

		log.Reset()
		dir.write(t, "ca.crt", []byte("nobody"))
		pass(10 * time.Second)
		expect("the authority that was left", ask(next), true)
		if got := strings.Count(log.String(), "there is no certificate in it"); got != 1 {
			t.Errorf("the log tells %d times that there is no authority, want once: %s", got, log)
		}
	})
}

func TestClientRefusesACertificateWhoseTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
		dir.writePair(t, ca, "old", time.Now().Add(-time.Minute))
		g, _ := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
		if _, err := meet(t, g, &tls.Config{RootCAs: ca.pool()}); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Errorf("the client says %v, want that the certificate has expired", err)
		}
		dir.writePair(t, ca, "new", tomorrow())
		pass(2 * time.Second)
		if got := name(t, g, ca); got != "new" {
			t.Errorf("the gate is %q, want new", got)
		}
	})
}

// serve answers at the gate with the protocol of the request.
func serve(t *testing.T, g *gate.Gate) {
	t.Helper()
	server := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(g.Listener()) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
}

func get(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestHTTP2AndHTTP1AreSpoken(t *testing.T) {
	dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
	dir.writePair(t, ca, "gate", tomorrow())
	g, _ := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
	serve(t, g)
	for _, http2 := range []bool{true, false} {
		protocols := new(http.Protocols)
		protocols.SetHTTP2(http2)
		protocols.SetHTTP1(!http2)
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: ca.pool()}, Protocols: protocols,
		}}
		want := "HTTP/1.1"
		if http2 {
			want = "HTTP/2.0"
		}
		if got, err := get(t, client, "https://"+g.Address()); got != want {
			t.Errorf("the gate speaks %q, %v; want %s", got, err, want)
		}
	}
	if got, err := get(t, http.DefaultClient, "http://"+g.Address()); err == nil && got == "HTTP/1.1" {
		t.Error("the gate answers in plain text")
	}
}

// A caller that says nothing must not keep others out.
func TestSilentCallerKeepsNobodyWaiting(t *testing.T) {
	dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
	dir.writePair(t, ca, "gate", tomorrow())
	g, _ := open(t, gate.Config{CertFile: dir.path("tls.crt"), KeyFile: dir.path("tls.key")})
	serve(t, g)
	silent, err := new(net.Dialer).DialContext(t.Context(), "tcp", g.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool()}}}
	if got, err := get(t, client, "https://"+g.Address()); got != "HTTP/1.1" {
		t.Errorf("the gate answers %q, %v", got, err)
	}
}
