package telemetry_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/flagline/flagline/sidecar/internal/telemetry"
)

// An authority signs certificates for 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(t *testing.T, wanted *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	wanted.SerialNumber = big.NewInt(1)
	wanted.NotBefore, wanted.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := a.cert
	if signer == nil {
		signer = wanted
	}
	der, err := x509.CreateCertificate(rand.Reader, wanted, signer, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// pair returns a certificate for servers and clients, and its key, as PEM.
func (a *authority) pair(t *testing.T) (certPEM, keyPEM []byte) {
	t.Helper()
	key := newKey(t)
	cert := a.sign(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// collector returns what a collector of a shows, and whom it lets in.
func (a *authority) collector(t *testing.T) credentials.TransportCredentials {
	t.Helper()
	pair, err := tls.X509KeyPair(a.pair(t))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	return credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	})
}

// files are the settings of one connection, in a directory.
type files string

func (f files) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(f.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f files) path(name string) string { return filepath.Join(string(f), name) }

// use writes what shows that the sidecar belongs to client and trusts server.
func (f files) use(t *testing.T, client, server *authority) {
	t.Helper()
	cert, key := client.pair(t)
	f.write(t, "cert.pem", cert)
	f.write(t, "key.pem", key)
	f.write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.cert.Raw}))
}

func (f files) config(to *receiver, reload time.Duration) telemetry.Config {
	return telemetry.Config{
		Collector: to.addr, Reload: reload,
		CertFile: f.path("cert.pem"), KeyFile: f.path("key.pem"), CAFile: f.path("ca.pem"),
	}
}

func TestCollectorAndSidecarKnowEachOtherByTheirCertificates(t *testing.T) {
	ours, dir := newAuthority(t, "ours"), files(t.TempDir())
	dir.use(t, ours, ours)
	to := receive(t, "", ours.collector(t))
	tel := start(t, dir.config(to, 0), nil)
	_, span := tel.Tracer("flagd.ofrep.v1").Start(t.Context(), "evaluate", nil)
	span.End()
	end(t, tel)
	take(t, to.spans)
}

func TestCertificatesAreReadAgain(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "200")
	ours, theirs, dir := newAuthority(t, "ours"), newAuthority(t, "theirs"), files(t.TempDir())
	dir.use(t, theirs, ours)
	to := receive(t, "", ours.collector(t))
	log := &lines{}
	tel := start(t, dir.config(to, time.Nanosecond), slog.New(slog.NewTextHandler(log, nil)))
	stop := keepAsking(tel, to)
	defer stop()

	log.await(t, "telemetry is not taken", 1)
	dir.use(t, ours, ours)
	log.await(t, "telemetry is taken again", 1)

	// Files that are no good change nothing, not even for new connections.
	dir.write(t, "ca.pem", []byte("half a file"))
	to.stop()
	log.await(t, "telemetry is not taken", 2)
	receive(t, to.addr, ours.collector(t))
	log.await(t, "keep last good certificates", 1)
	log.await(t, "telemetry is taken again", 2)
}

func TestFileWithoutAnAuthorityIsAnError(t *testing.T) {
	dir := files(t.TempDir())
	dir.write(t, "ca.pem", []byte("nothing"))
	_, err := telemetry.Start(t.Context(), telemetry.Config{
		Collector: "https://127.0.0.1:1", CAFile: dir.path("ca.pem"),
	}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Error("a file without a certificate is taken for authorities")
	}
}
