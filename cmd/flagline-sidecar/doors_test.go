package main_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// doors are all addresses of a sidecar and a question that each answers.
func (p *process) doors() map[string][3]string {
	return map[string][3]string{
		"evaluation": {p.Evaluation, http.MethodPost, "/flagd.evaluation.v1.Service/ResolveAll"},
		"sync":       {p.Sync, http.MethodGet, "/v1/flags"},
		"ofrep":      {p.OFREP, http.MethodPost, "/ofrep/v1/evaluate/flags"},
		"management": {p.Management, http.MethodGet, "/status"},
	}
}

// ask returns the status of the answer, or 0 if there is none.
func ask(t *testing.T, client *http.Client, method, url string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// certificate makes one for 127.0.0.1 that signs itself, for servers, clients
// and as its own authority, and returns the files that it and its key are in.
func certificate(t *testing.T) (file, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file = write(t, filepath.Join(dir, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	keyFile = write(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	if pair, err = tls.LoadX509KeyPair(file, keyFile); err != nil {
		t.Fatal(err)
	}
	return file, keyFile, pair
}

// trusting returns a client that knows the certificate as a server's, and shows
// those that it is given.
func trusting(t *testing.T, known tls.Certificate, shown ...tls.Certificate) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(known.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: shown}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestTLSIsSpokenWhereTheSettingsSay(t *testing.T) {
	flags := write(t, filepath.Join(t.TempDir(), "flags.json"), document("red"))
	cert, key, pair := certificate(t)
	stranger, known := trusting(t, pair), trusting(t, pair, pair)
	for _, test := range []struct {
		args   []string
		tls    []string
		mutual bool
	}{
		{[]string{"-c", cert, "-k", key}, []string{"evaluation", "sync"}, false},
		{[]string{"-c", cert, "-k", key, "--tls-listeners=ofrep,management"}, []string{"ofrep", "management"}, false},
		{[]string{"-c", cert, "-k", key, "--client-ca-path", cert}, []string{"evaluation", "sync"}, true},
	} {
		p := launch(t, []string{"FLAGD_BIND=127.0.0.1", "FLAGD_URI=file:" + flags}, test.args...)
		for name, door := range p.doors() {
			encrypted := strings.Contains(strings.Join(test.tls, " "), name)
			for _, try := range []struct {
				scheme string
				client *http.Client
				want   bool
			}{
				{"http://", http.DefaultClient, !encrypted},
				{"https://", stranger, encrypted && !test.mutual},
				{"https://", known, encrypted},
			} {
				status := ask(t, try.client, door[1], try.scheme+door[0]+door[2])
				// A port with TLS answers plain text with 400 and nothing else.
				if got := status != 0 && status != http.StatusBadRequest; got != try.want {
					t.Errorf("%q: %s answers %s with %d, want an answer: %t", test.args, name, try.scheme, status, try.want)
				}
			}
		}
	}
}

func TestTokensAreAskedForWhereTheSettingsSay(t *testing.T) {
	const token = "correct-horse-battery"
	dir := t.TempDir()
	flags := write(t, filepath.Join(dir, "flags.json"), document("red"))
	tokens := write(t, filepath.Join(dir, "tokens"), "# for the tests\n"+token+"\n")
	for _, test := range []struct {
		args    []string
		guarded string
	}{
		{nil, "evaluation sync ofrep"},
		{[]string{"--auth-listeners", "management"}, "management"},
	} {
		p := launch(t, []string{"FLAGD_AUTH_TOKEN_PATH=" + tokens, "FLAGD_URI=file:" + flags}, test.args...)
		for name, door := range p.doors() {
			for token, known := range map[string]bool{"": false, "wrong-horse-battery": false, token: true} {
				status := ask(t, http.DefaultClient, door[1], "http://"+door[0]+door[2], "Authorization", "Bearer "+token)
				want := known || !strings.Contains(test.guarded, name)
				if got := status != http.StatusUnauthorized; got != want || status == 0 {
					t.Errorf("%q: %s answers %q with %d, want an answer: %t", test.args, name, token, status, want)
				}
			}
		}
		eventually(t, "readyz without token", func() string { return p.readiness(t) }, "200")
		if status := ask(t, http.DefaultClient, http.MethodGet, "http://"+p.Management+"/healthz"); status != 200 {
			t.Errorf("%q: healthz without token answers %d", test.args, status)
		}
	}
}

func TestSocketsReplacePorts(t *testing.T) {
	dir := t.TempDir()
	flags := write(t, filepath.Join(dir, "flags.json"), document("red"))
	evaluation, sync := filepath.Join(dir, "e"), filepath.Join(dir, "s")
	p := launch(t, []string{"FLAGD_SYNC_SOCKET_PATH=" + sync}, "-f", "file:"+flags, "-d", evaluation)
	if p.Evaluation != "unix:"+evaluation || p.Sync != "unix:"+sync {
		t.Errorf("it listens at %s and %s, want the sockets", p.Evaluation, p.Sync)
	}
	for name, path := range map[string]string{"evaluation": evaluation, "sync": sync} {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		}}
		door := p.doors()[name]
		if status := ask(t, client, door[1], "http://flags"+door[2]); status == 0 {
			t.Errorf("nobody answers at the socket of %s", name)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if code := p.end(t); code != 0 {
		t.Errorf("it exits with %d: %s", code, p.stderr)
	}
	for _, path := range []string{evaluation, sync} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

func TestOnlyTheManagementPortIsForOtherHostsUnlessAskedTo(t *testing.T) {
	for _, test := range []struct {
		bind               string
		others, management bool // on all addresses
	}{
		{"", false, true},
		{"127.0.0.1", false, false},
		{"0.0.0.0", true, true},
	} {
		p := launch(t, []string{"FLAGD_BIND=" + test.bind}, "-f", "file:gone.json")
		for name, door := range p.doors() {
			host, _, err := net.SplitHostPort(door[0])
			if err != nil {
				t.Fatal(err)
			}
			want := test.others
			if name == "management" {
				want = test.management
			}
			if got := net.ParseIP(host).IsUnspecified(); got != want {
				t.Errorf("with --bind %q %s listens at %s, want all addresses: %t", test.bind, name, host, want)
			}
		}
	}
}
