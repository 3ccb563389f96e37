package syncstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
	"github.com/flagline/flagline/source/syncstream"
)

// identity writes a certificate for name, and its key, that vouches for itself.
func identity(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// serveSecurely starts a server for certificates that clientCert vouches for.
func serveSecurely(t *testing.T, certFile, keyFile, clientCert string) *server {
	t.Helper()
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	vouched, err := os.ReadFile(clientCert)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(vouched)
	return serve(t, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
	})))
}

func TestServerThatWantsACertificateGetsOneAndIsKnownByItsName(t *testing.T) {
	serverCert, serverKey := identity(t, "flags.example.com")
	clientCert, clientKey := identity(t, "shop")
	s := serveSecurely(t, serverCert, serverKey, clientCert)
	s.send(one)
	known := syncstream.Config{
		URI: "grpcs://" + s.address, CAFile: serverCert, CertFile: clientCert, KeyFile: clientKey,
		ServerName: "flags.example.com",
	}
	awaitFlag(t, watch(t, known), "1")
	asked := s.questions()[0]
	info, _ := asked.peer.AuthInfo.(credentials.TLSInfo)
	if got := info.State.PeerCertificates[0].Subject.CommonName; got != "shop" {
		t.Errorf("the client is known as %q, want shop", got)
	}
	if got := asked.metadata[":authority"]; got[0] != s.address {
		t.Errorf("the client calls the server %q, want its address, whatever the certificate says", got)
	}

	proxied := known
	proxied.URI, proxied.TLS = "envoy://"+s.address+"/flags.shop", true
	awaitFlag(t, watch(t, proxied), "1")

	nameless := known
	nameless.CertFile, nameless.KeyFile = "", ""
	awaitErr(t, watch(t, nameless), s.address)

	mistaken := known
	mistaken.ServerName = ""
	awaitErr(t, watch(t, mistaken), "certificate")
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	cert, key := identity(t, "shop")
	for want, cfg := range map[string]syncstream.Config{
		"needs its key":                   {URI: "grpcs://h:1", CertFile: cert},
		"the key its certificate":         {URI: "grpcs://h:1", KeyFile: key},
		"a client certificate, but TLS":   {URI: "h:1", CertFile: cert, KeyFile: key},
		"server's certificate, but TLS":   {URI: "h:1", ServerName: "x"},
		"read the client certificate":     {URI: "grpcs://h:1", CertFile: key, KeyFile: cert},
		"waits after failures go from -1": {URI: "h:1", MinBackoff: -1},
		"from 2s to 1s":                   {URI: "h:1", MinBackoff: 2 * time.Second, MaxBackoff: time.Second},
		"streams live for -1ns":           {URI: "h:1", StreamDeadline: -1},
		`"16" is not the name`:            {URI: "h:1", FatalCodes: []string{"16"}},
		`"NOPE" is not the name`:          {URI: "h:1", FatalCodes: []string{"NOPE"}},
		"OK is no failure":                {URI: "h:1", FatalCodes: []string{"aborted", "ok"}},
	} {
		if _, err := syncstream.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v) = %v, want an error that says %q", cfg, err, want)
		}
	}
}

func TestFatalCodeEndsAWatchThatNeverHadFlags(t *testing.T) {
	s := serve(t)
	s.set(func() { s.refuse = status.Error(codes.Unauthenticated, "who are you?") })
	src := open(t, syncstream.Config{URI: s.address, FatalCodes: []string{"UNAUTHENTICATED"}})
	err := src.Watch(t.Context(), new(sourcetest.Recorder))
	if err == nil || !strings.Contains(err.Error(), "Unauthenticated: who are you?") {
		t.Fatalf("Watch returned %v", err)
	}
}

func TestNothingIsFatalOnceThereWereFlags(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := watch(t, syncstream.Config{
		URI: s.address, FatalCodes: []string{"UNAUTHENTICATED"}, MinBackoff: 10 * time.Millisecond, MaxBackoff: 10 * time.Millisecond,
	})
	awaitFlag(t, r, "1")
	s.set(func() { s.refuse = status.Error(codes.Unauthenticated, "who are you?") })
	s.endWith(nil)
	awaitErr(t, r, "who are you?")
	s.set(func() { s.refuse, s.ends, s.text = nil, false, two })
	awaitFlag(t, r, "2")
}

func TestOtherCodesAndWhatIsWrongHereAreNotFatal(t *testing.T) {
	s := serve(t)
	s.set(func() { s.refuse = status.Error(codes.PermissionDenied, "not for you") })
	cert, key := identity(t, "shop")
	short := syncstream.Config{MinBackoff: 10 * time.Millisecond, MaxBackoff: 10 * time.Millisecond}

	other := short
	other.URI, other.FatalCodes = s.address, []string{"UNAUTHENTICATED"}
	awaitErr(t, watch(t, other), "not for you")

	local := short
	local.URI, local.FatalCodes, local.CertFile, local.KeyFile = "grpcs://"+s.address, []string{"UNKNOWN"}, cert, key
	src := open(t, local)
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	watchSource(t, src, r)
	awaitErr(t, r, "no such file")
}

func TestWaitsAfterFailuresAreAsShortAsAsked(t *testing.T) {
	s := serve(t)
	s.set(func() { s.refuse = errors.New("not today") })
	r := watch(t, syncstream.Config{URI: s.address, MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond})
	// At the pace of old, twenty attempts take minutes.
	r.Await(t, "a twentieth attempt", func(sourcetest.State) bool { return len(s.questions()) >= 20 })
}

func TestStreamIsOpenedAnewAfterItsDeadline(t *testing.T) {
	s := serve(t)
	s.send(one)
	r := untroubled{new(sourcetest.Recorder), t}
	watchInto(t, syncstream.Config{URI: s.address, StreamDeadline: 100 * time.Millisecond}, r)
	seen := r.Await(t, "a third stream", func(sourcetest.State) bool { return len(s.questions()) > 2 })
	if len(seen.Updates) != 1 {
		t.Errorf("there were %d updates, want 1", len(seen.Updates))
	}
	s.send(two)
	awaitFlag(t, r.Recorder, "2")
}

func TestServerWithoutFlagsIsSaidToBeThereHoweverShortTheStreams(t *testing.T) {
	s := serve(t)
	r := watch(t, syncstream.Config{URI: s.address, StreamDeadline: 20 * time.Millisecond})
	if state := awaitErr(t, r, "has not sent any flags yet"); !state.Status.Connected {
		t.Errorf("the status is %+v, want connected", state.Status)
	}
	s.send(one)
	awaitFlag(t, r, "1")
}

// A diary is a sink that writes down flags and contexts as they come.
type diary struct {
	*sourcetest.Recorder

	mu    sync.Mutex
	lines []string
}

func (d *diary) Apply(u source.Update) []source.Rejection {
	d.write(string(u.Records[0].Body))
	return d.Recorder.Apply(u)
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) note(syncContext map[string]any) {
	text, _ := json.Marshal(syncContext)
	d.write(string(text))
	clear(syncContext) // it is ours
}

func (d *diary) read() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, " ")
}

func TestContextOfTheServerIsToldBeforeTheFlagsThatComeWithIt(t *testing.T) {
	s := serve(t)
	d := &diary{Recorder: new(sourcetest.Recorder)}
	say := func(context map[string]any, text, want string) {
		t.Helper()
		s.set(func() { s.context, s.text = context, text })
		d.Await(t, "the diary "+want, func(sourcetest.State) bool { return d.read() == want })
	}
	eu := map[string]any{"region": "eu", "zones": []any{1.0, "b"}}
	s.set(func() { s.text = one })
	watchInto(t, syncstream.Config{URI: s.address, OnContext: d.note}, d)
	want := `null {"n":1}`
	say(nil, one, want)
	want += ` {"region":"eu","zones":[1,"b"]} {"n":2}`
	say(eu, two, want)
	want += ` {"n":1}`
	say(eu, one, want) // the same context again
	want += ` {"region":"us"}`
	say(map[string]any{"region": "us"}, one, want) // the same flags again
	s.set(func() { s.context, s.text = eu, "{" })  // of a message that cannot be read nothing counts
	awaitErr(t, d.Recorder, "not JSON")
	want += ` null {"n":2}`
	say(map[string]any{}, two, want)
}

func TestOptionsOfTheCallersWinAndTheServerStillCountsAsHeard(t *testing.T) {
	s := serve(t)
	s.send(one)
	begun := time.Now()
	r := watch(t, syncstream.Config{URI: "grpcs://127.0.0.1:1", DialOptions: []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.address)
		}),
	}})
	if got := awaitFlag(t, r, "1").Status.Confirmed; got.Before(begun) {
		t.Errorf("the flags count as confirmed at %v, before they were asked for at %v", got, begun)
	}
}
