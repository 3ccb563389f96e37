package gate_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/gate"
)

func TestNoAddressIsAFreePortOfThisMachine(t *testing.T) {
	g, _ := open(t, gate.Config{})
	host, port, err := net.SplitHostPort(g.Address())
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("the gate stands at %s, want a port of 127.0.0.1", g.Address())
	}
	reach(t, "tcp", g.Address())
}

// reach asserts that somebody listens.
func reach(t *testing.T, network, address string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), network, address)
	if err != nil {
		t.Errorf("nobody listens at %s: %v", address, err)
		return
	}
	_ = conn.Close()
}

func TestUnixSocketIsRemovedAtTheEnd(t *testing.T) {
	path := folder(t.TempDir()).path("gate.sock")
	g, _ := open(t, gate.Config{Address: "unix:" + path})
	if g.Address() != "unix:"+path {
		t.Errorf("the gate stands at %s, want unix:%s", g.Address(), path)
	}
	reach(t, "unix", path)
	for range 2 {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestServerMayCloseTheListenerFirst(t *testing.T) {
	g, _ := open(t, gate.Config{})
	_ = g.Listener().Close()
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}

// TestMain leaves a socket behind, as a process that is killed does, if a test
// asks for it.
func TestMain(m *testing.M) {
	path := os.Getenv("GATE_TEST_LEAVE_SOCKET")
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := net.Listen("unix", path); err != nil {
		os.Exit(1)
	}
	os.Exit(0) // without closing
}

func TestSocketOfADeadProcessIsTakenOver(t *testing.T) {
	path := folder(t.TempDir()).path("gate.sock")
	dead := exec.CommandContext(t.Context(), os.Args[0])
	dead.Env = append(os.Environ(), "GATE_TEST_LEAVE_SOCKET="+path)
	if out, err := dead.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Fatalf("no socket was left behind: %v", err)
	}
	open(t, gate.Config{Address: "unix:" + path})
	reach(t, "unix", path)
}

// fails asserts that no gate opens, and what is said about it.
func fails(t *testing.T, c gate.Config, want ...string) error {
	t.Helper()
	g, err := gate.Open(t.Context(), "evaluation", c, slog.New(slog.DiscardHandler))
	if err == nil {
		_ = g.Close()
		t.Fatalf("%+v opens, want an error with %q", c, want)
	}
	for _, part := range append(want, "evaluation") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%+v: %v, want %q in it", c, err, part)
		}
	}
	return err
}

func TestSocketOfALivingProcessIsLeftAlone(t *testing.T) {
	path := folder(t.TempDir()).path("gate.sock")
	open(t, gate.Config{Address: "unix:" + path})
	err := fails(t, gate.Config{Address: "unix:" + path}, "another process", path)
	if _, ok := errors.AsType[*net.OpError](err); !ok {
		t.Errorf("%v is no *net.OpError", err)
	}
	reach(t, "unix", path)
}

func TestFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	dir := folder(t.TempDir())
	path := dir.write(t, "gate.sock", []byte("mine"))
	_ = fails(t, gate.Config{Address: "unix:" + path}, path, "no socket")
	if got, err := os.ReadFile(path); string(got) != "mine" {
		t.Errorf("the file holds %q, %v", got, err)
	}
	_ = fails(t, gate.Config{Address: "unix:" + dir.path("no/gate.sock")}, "no/gate.sock")
	_ = fails(t, gate.Config{Address: "unix:"}, "append its path")
}

func TestTakenPortIsAnError(t *testing.T) {
	g, _ := open(t, gate.Config{})
	err := fails(t, gate.Config{Address: g.Address()}, g.Address())
	if _, ok := errors.AsType[*net.OpError](err); !ok {
		t.Errorf("%v is no *net.OpError", err)
	}
}

func TestWhateverIsWrongWithTheFilesIsSaidAtOnce(t *testing.T) {
	dir, ca := folder(t.TempDir()), newAuthority(t, "authority")
	dir.writePair(t, ca, "gate", tomorrow())
	certificate, key := dir.path("tls.crt"), dir.path("tls.key")
	_, other := ca.issue(t, "other", tomorrow())
	otherKey := dir.write(t, "other.key", other)
	empty := dir.write(t, "empty", []byte("# nothing yet\n"))
	broken := dir.write(t, "broken.crt", append(append([]byte(nil), ca.pem...),
		"-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"...))
	secret := dir.write(t, "secret", []byte("# a\nhunter2\n"))
	gone := dir.path("gone")
	for _, test := range []struct {
		config gate.Config
		want   []string
	}{
		{gate.Config{KeyFile: key}, []string{"no certificate", key}},
		{gate.Config{CertFile: certificate}, []string{"no key", certificate}},
		{gate.Config{ClientCAFile: certificate}, []string{"name a certificate"}},
		{gate.Config{CertFile: gone, KeyFile: key}, []string{gone}},
		{gate.Config{CertFile: certificate, KeyFile: gone}, []string{gone}},
		{gate.Config{CertFile: certificate, KeyFile: otherKey}, []string{certificate, otherKey, "does not match"}},
		{gate.Config{CertFile: empty, KeyFile: key}, []string{empty}},
		{gate.Config{CertFile: certificate, KeyFile: key, ClientCAFile: gone}, []string{gone}},
		{gate.Config{CertFile: certificate, KeyFile: key, ClientCAFile: empty}, []string{empty, "no certificate in it"}},
		{gate.Config{CertFile: certificate, KeyFile: key, ClientCAFile: broken}, []string{broken, "certificate 2"}},
		{gate.Config{TokenFile: gone}, []string{gone}},
		{gate.Config{TokenFile: empty}, []string{empty, "no token in it"}},
		{gate.Config{TokenFile: secret}, []string{secret, "line 2"}},
		{gate.Config{TokenFile: string(dir)}, []string{"not a regular file"}},
	} {
		if err := fails(t, test.config, test.want...); strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v repeats a token", err)
		}
	}
}
