package sidecar_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar"
)

const token = "a-token-that-is-long-enough"

// identity makes a certificate that is its own authority, for servers on
// loopback and for clients, and returns its files.
func identity(t *testing.T) (certFile, keyFile string, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "flagline test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare})))
	pair, err = tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, pair
}

// A caller knows the sidecar by its certificate and shows one, or none.
func caller(t *testing.T, certFile string, shown ...tls.Certificate) *tls.Config {
	t.Helper()
	data, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(data)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: known, Certificates: shown}
}

func webClient(t *testing.T, config *tls.Config, second bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: config.Clone(), Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!second)
	transport.Protocols.SetHTTP2(second)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func statusOf(t *testing.T, c *http.Client, method, url string, header ...string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), method, url, strings.NewReader(`{"flagKey":"color"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func resolve(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	answer, err := evaluationv2grpc.NewServiceClient(conn).ResolveString(ctx, &eval.ResolveStringRequest{FlagKey: "color"})
	return answer.GetValue(), err
}

const resolveString = "/flagd.evaluation.v2.Service/ResolveString"

func TestEveryDoorCanAskForCertificatesAndTokens(t *testing.T) {
	certFile, keyFile, own := identity(t)
	callersFile, _, callers := identity(t)
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, token+"\n")
	door := sidecar.Door{CertFile: certFile, KeyFile: keyFile, ClientCAFile: callersFile, TokenFile: tokens}
	src, _ := fileWith(t, flags("red"))
	cfg := sidecar.Config{Evaluation: door, Management: door, Sync: door, OFREP: door}
	cfg.Sources = append(cfg.Sources, src)
	r := start(t, cfg)

	known := caller(t, certFile, callers)
	eventually(t, "readiness", func() string {
		status, err := statusOf(t, webClient(t, known, false), http.MethodGet, "https://"+r.Management+"/readyz")
		if err != nil {
			t.Fatal(err)
		}
		return http.StatusText(status)
	}, "OK") // without a token

	urls := map[string]string{
		"https://" + r.Evaluation + resolveString:         http.MethodPost,
		"https://" + r.Sync + "/v1/flags":                 http.MethodGet,
		"https://" + r.OFREP + "/ofrep/v1/evaluate/flags": http.MethodPost,
		"https://" + r.Management + "/metrics":            http.MethodGet,
		"https://" + r.Management + "/status":             http.MethodGet,
	}
	for url, method := range urls {
		for _, second := range []bool{false, true} {
			c := webClient(t, known, second)
			if got, err := statusOf(t, c, method, url); got != http.StatusUnauthorized {
				t.Errorf("%s without a token gives %d, %v, want 401", url, got, err)
			}
			if got, err := statusOf(t, c, method, url, "Authorization", "Bearer "+token); got != http.StatusOK {
				t.Errorf("%s with a token gives %d, %v, want 200", url, got, err)
			}
			if got, err := statusOf(t, c, method, url, "X-API-Key", token); got != http.StatusOK {
				t.Errorf("%s with an API key gives %d, %v, want 200", url, got, err)
			}
		}
		for name, stranger := range map[string]*tls.Config{"no": caller(t, certFile), "an unknown": caller(t, certFile, own)} {
			if got, err := statusOf(t, webClient(t, stranger, false), method, url); err == nil {
				t.Errorf("%s to a caller with %s certificate gives %d", url, name, got)
			}
		}
		if got, err := statusOf(t, http.DefaultClient, method, strings.Replace(url, "https", "http", 1)); err == nil && got != http.StatusBadRequest {
			t.Errorf("%s in the clear gives %d", url, got)
		}
	}

	conn := dial(t, r.Evaluation, grpc.WithTransportCredentials(credentials.NewTLS(known)))
	if _, err := resolve(bounded(t), conn); status.Code(err) != codes.Unauthenticated {
		t.Errorf("gRPC without a token gives %v, want unauthenticated", err)
	}
	stream, err := evaluationv2grpc.NewServiceClient(conn).EventStream(bounded(t), &eval.EventStreamRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("a stream without a token gives %v, want unauthenticated", err)
	}
	ctx := metadata.AppendToOutgoingContext(bounded(t), "authorization", "Bearer "+token)
	if got, err := resolve(ctx, conn); got != "red" || err != nil {
		t.Errorf("gRPC with a token gives %q, %v, want red", got, err)
	}
	health := grpc_health_v1.NewHealthClient(dial(t, r.Management, grpc.WithTransportCredentials(credentials.NewTLS(known))))
	if got, err := health.Check(bounded(t), new(grpc_health_v1.HealthCheckRequest)); got.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("health without a token is %v, %v, want serving", got, err)
	}
}

func TestDoorsCanBeSockets(t *testing.T) {
	dir := t.TempDir()
	evaluation, flagSync := filepath.Join(dir, "eval.sock"), filepath.Join(dir, "sync.sock")
	r := ready(t, sidecar.Config{
		Evaluation: sidecar.Door{Address: "unix:" + evaluation}, Sync: sidecar.Door{Address: "unix:" + flagSync},
	})
	if r.Evaluation != "unix:"+evaluation {
		t.Errorf("evaluation is at %s", r.Evaluation)
	}
	if got, err := resolve(bounded(t), dial(t, r.Evaluation)); got != "red" || err != nil {
		t.Errorf("gRPC over the socket gives %q, %v, want red", got, err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", flagSync)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	if got, err := statusOf(t, &http.Client{Transport: transport}, http.MethodGet, "http://sidecar/v1/flags"); got != http.StatusOK {
		t.Errorf("HTTP over the socket gives %d, %v, want 200", got, err)
	}
	if err := r.end(t); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(evaluation); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
