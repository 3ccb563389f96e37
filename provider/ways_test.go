package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
)

// identity makes a certificate that is its own authority, for servers on loopback
// and for clients, and returns its files.
func identity(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flagline test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"flags.test"},
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writeFile(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare}))
	return certFile, keyFile
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// port returns the port of an address.
func port(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A way is one of those in which flags come to a provider.
type way struct {
	name string
	open func(t *testing.T, document string) []provider.Option
}

// socket returns the path of a socket: short, because systems want it so.
func socket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "flags") //nolint:usetesting // its folders have long names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func ways() []way {
	mutual := func(t *testing.T, document string) (*server, provider.Option) {
		serverCert, serverKey := identity(t)
		clientCert, clientKey := identity(t)
		door := sidecar.Door{CertFile: serverCert, KeyFile: serverKey, ClientCAFile: clientCert}
		s := serveConfig(t, document, sidecar.Config{Evaluation: door, Sync: door})
		return s, provider.WithTLS(provider.TLS{
			CAFile: serverCert, CertFile: clientCert, KeyFile: clientKey, ServerName: "flags.test",
		})
	}
	return []way{
		{"sidecar", func(t *testing.T, document string) []provider.Option {
			return []provider.Option{provider.WithSidecar(serve(t, "", document).addr)}
		}},
		{"sidecar without a cache", func(t *testing.T, document string) []provider.Option {
			return []provider.Option{provider.WithSidecar(serve(t, "", document).addr), provider.WithCache(0)}
		}},
		{"sidecar over a socket", func(t *testing.T, document string) []provider.Option {
			s := serve(t, "unix:"+socket(t), document)
			return []provider.Option{provider.WithSidecar(s.addr)}
		}},
		{"sidecar by a target", func(t *testing.T, document string) []provider.Option {
			s := serve(t, "", document)
			return []provider.Option{provider.WithSidecar("dns:///localhost:" + port(t, s.addr))}
		}},
		{"sidecar behind a proxy", func(t *testing.T, document string) []provider.Option {
			s := serve(t, "", document)
			return []provider.Option{provider.WithSidecar("envoy://127.0.0.1:" + port(t, s.addr) + "/flags.service")}
		}},
		{"sidecar with mutual TLS", func(t *testing.T, document string) []provider.Option {
			s, secure := mutual(t, document)
			return []provider.Option{provider.WithSidecar(s.addr), secure}
		}},
		{"in-process", func(t *testing.T, document string) []provider.Option {
			src := newScript("test")
			go src.deliver(t, document)
			return []provider.Option{provider.WithSource(src)}
		}},
		{"sync stream", func(t *testing.T, document string) []provider.Option {
			return []provider.Option{provider.WithSyncStream(serve(t, "", document).sync)}
		}},
		{"sync stream over a socket", func(t *testing.T, document string) []provider.Option {
			s := serveConfig(t, document, sidecar.Config{Sync: sidecar.Door{Address: "unix:" + socket(t)}})
			return []provider.Option{provider.WithSyncStream(s.sync)}
		}},
		{"sync stream with mutual TLS", func(t *testing.T, document string) []provider.Option {
			s, secure := mutual(t, document)
			return []provider.Option{provider.WithSyncStream(s.sync), secure}
		}},
		{"file", func(t *testing.T, document string) []provider.Option {
			path := filepath.Join(t.TempDir(), "flags.json")
			writeFile(t, path, []byte(document))
			return []provider.Option{provider.WithFile(path)}
		}},
	}
}

// inEachMode runs test with a client for each way in which flags come to a
// provider, over the same flags.
func inEachMode(t *testing.T, document string, test func(t *testing.T, client *openfeature.Client)) {
	t.Helper()
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			options := append(w.open(t, document), provider.WithDeadline(patience))
			client, err := bind(t, newProvider(t, options...))
			if err != nil {
				t.Fatal(err)
			}
			test(t, client)
		})
	}
}
