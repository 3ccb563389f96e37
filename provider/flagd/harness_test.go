package flagd_test

import (
	"context"
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
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider/flagd"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const (
	patience   = 20 * time.Second
	patienceMs = int(patience / time.Millisecond)
)

// flags is a document whose flag "color" is as given.
func flags(color string) string {
	return `{"flags": {"color": {"state": "ENABLED", "variants": {"red": "red", "blue": "blue"}, "defaultVariant": "` + color + `"}}}`
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A server is a running sidecar and the file that it follows.
type server struct {
	sidecar.Addresses

	path string
}

// serve runs a sidecar on flags whose color is red. Each of the two doors that
// a provider knows is as given.
func serve(t testing.TB, evaluation, sync sidecar.Door) server {
	t.Helper()
	s := server{path: filepath.Join(t.TempDir(), "flags.json")}
	write(t, s.path, flags("red"))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources:    []source.Source{file.New(s.path, file.WithInterval(10*time.Millisecond))},
			Evaluation: evaluation,
			Sync:       sync,
			Ready:      func(a sidecar.Addresses) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})
	select {
	case s.Addresses = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("start the sidecar: %v", err)
	}
	return s
}

// A resolver is a way to get answers from a server.
type resolver struct {
	name   string
	option flagd.ProviderOption
	addr   string // of the server
}

func (s server) resolvers() []resolver {
	return []resolver{
		{"rpc", flagd.WithRPCResolver(), s.Evaluation},
		{"in-process", flagd.WithInProcessResolver(), s.Sync},
	}
}

func portOf(t testing.TB, addr string) uint16 {
	t.Helper()
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(port)
}

// newProvider returns a provider that ends with the test and is patient, unless
// options say otherwise.
func newProvider(t testing.TB, options ...flagd.ProviderOption) *flagd.Provider {
	t.Helper()
	p, err := flagd.NewProvider(append([]flagd.ProviderOption{flagd.WithDeadline(patienceMs)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Shutdown)
	return p
}

// bind sets p for an API of its own and returns a client, and what setting it
// came to.
func bind(t testing.TB, p openfeature.FeatureProvider) (*openfeature.Client, error) {
	t.Helper()
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	err := api.SetProviderAndWait(t.Context(), p)
	return api.NewClient(), err
}

// answers checks that a provider of options comes to say that color is as given.
func answers(t *testing.T, color string, options ...flagd.ProviderOption) *openfeature.Client {
	t.Helper()
	client, err := bind(t, newProvider(t, options...))
	if err != nil {
		t.Fatal(err)
	}
	awaitColor(t, client, color)
	return client
}

func awaitColor(t *testing.T, client *openfeature.Client, want string) {
	t.Helper()
	eventually(t, "color is "+want, func() bool {
		return client.String(t.Context(), "color", "none", openfeature.EvaluationContext{}) == want
	})
}

// eventually waits until claim holds.
func eventually(t testing.TB, what string, claim func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); !claim(); {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// A journal is a list that several goroutines may add to.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(entry string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, entry)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.entries...)
}

// identity writes a certificate for localhost that vouches for itself, and its
// key.
func identity(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return certFile, keyFile
}
