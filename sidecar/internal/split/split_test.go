package split_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/flagline/flagline/sidecar/internal/split"
)

// A port is both servers behind one listener. The HTTP server says which
// protocol it was asked in; the gRPC server is healthy.
type port struct {
	address  string
	splitter *split.Splitter
}

func open(t *testing.T, config *tls.Config, patience, idle time.Duration) port {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	s := split.New(listener, patience, idle)

	web := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Proto+" "+r.Header.Get("Content-Type"))
		},
	)}
	web.Protocols.SetHTTP1(true)
	web.Protocols.SetUnencryptedHTTP2(true)
	rpc := grpc.NewServer()
	healthpb.RegisterHealthServer(rpc, health.NewServer())

	ended := make(chan error, 3)
	go func() { ended <- s.Serve() }()
	go func() { ended <- web.Serve(s.HTTP()) }()
	go func() { ended <- rpc.Serve(s.GRPC()) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the splitter: %v", err)
		}
		_ = web.Close()
		rpc.Stop()
		for range 3 {
			if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				t.Errorf("a server ended with %v", err)
			}
		}
	})
	return port{address, s}
}

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: server.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"},
	}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// client speaks HTTP/2 from the first byte, or HTTP/1.1.
func client(t *testing.T, second bool) *http.Client {
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its own server
	transport.Protocols.SetHTTP1(!second)
	transport.Protocols.SetUnencryptedHTTP2(second)
	transport.Protocols.SetHTTP2(second)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func ask(t *testing.T, c *http.Client, url, contentType string, header ...string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), http.MethodPost, url, strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func checkHealth(t *testing.T, address string, creds credentials.TransportCredentials) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 3 {
		if _, err := healthpb.NewHealthClient(conn).Check(bounded(t), new(healthpb.HealthCheckRequest)); err != nil {
			t.Fatalf("ask over gRPC: %v", err)
		}
	}
}

func TestEachProtocolReachesItsServerOnOnePort(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	checkHealth(t, p.address, insecure.NewCredentials())
	for _, second := range []bool{false, true} {
		c := client(t, second)
		want := map[bool]string{false: "HTTP/1.1 application/json", true: "HTTP/2.0 application/json"}[second]
		for range 3 { // on one connection
			if got, err := ask(t, c, "http://"+p.address, "application/json"); got != want || err != nil {
				t.Errorf("the answer is %q, %v, want %q", got, err, want)
			}
		}
	}
}

func TestTLSIsTakenOffForBothServers(t *testing.T) {
	p := open(t, certificate(t), time.Minute, time.Minute)
	checkHealth(t, p.address, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})) //nolint:gosec // its own server
	for _, second := range []bool{false, true} {
		want := map[bool]string{false: "HTTP/1.1 text/plain", true: "HTTP/2.0 text/plain"}[second]
		if got, err := ask(t, client(t, second), "https://"+p.address, "text/plain"); got != want || err != nil {
			t.Errorf("the answer is %q, %v, want %q", got, err, want)
		}
	}
}

func TestWhatCameThroughAProxyGoesToTheHTTPServer(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	c := client(t, true)
	for _, kind := range []string{"application/grpc", "application/json", "application/grpc+proto"} {
		if got, err := ask(t, c, "http://"+p.address, kind, "X-Forwarded-For", "10.0.0.1"); got != "HTTP/2.0 "+kind || err != nil {
			t.Errorf("the answer is %q, %v, want the HTTP server's", got, err)
		}
	}
}

// Such a client may use the connection for other protocols after that.
func TestClientsThatSpeakMoreThanGRPCGoToTheHTTPServer(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	c := client(t, true)
	for _, kind := range []string{"application/grpc", "application/json"} {
		got, err := ask(t, c, "http://"+p.address, kind, "User-Agent", "grpc-go-connect/1.21.1 (go1.26)")
		if got != "HTTP/2.0 "+kind || err != nil {
			t.Errorf("the answer is %q, %v, want the HTTP server's", got, err)
		}
	}
}

func TestWhoIsIdleBeforeItsFirstRequestMayPing(t *testing.T) {
	p := open(t, nil, 20*time.Millisecond, 300*time.Millisecond)
	conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var pongs int
	for i := range 3 {
		if err := framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("after %d pongs: %v", pongs, err)
		}
		switch f := frame.(type) {
		case *http2.PingFrame:
			if !f.IsAck() || f.Data != [8]byte{byte(pongs)} {
				t.Errorf("ping %d is answered with %v", pongs, f)
			}
			pongs++
		case *http2.GoAwayFrame:
			if pongs != 3 || f.ErrCode != http2.ErrCodeNo || f.LastStreamID != 0 {
				t.Errorf("after %d pongs the server says %v", pongs, f)
			}
			return
		}
	}
}

func TestGRPCInOtherFormsGoesToTheHTTPServer(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	for _, kind := range []string{"application/grpc+json", "application/grpc-web", "application/connect+proto"} {
		if got, err := ask(t, client(t, true), "http://"+p.address, kind); got != "HTTP/2.0 "+kind || err != nil {
			t.Errorf("the answer is %q, %v, want the HTTP server's", got, err)
		}
	}
}

// A client may put a long header into many frames, and pad them.
func TestAHeaderInManyFramesIsReadToItsEnd(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	got, err := ask(t, client(t, true), "http://"+p.address, "text/plain", "X-Long", strings.Repeat("x", 40_000))
	if got != "HTTP/2.0 text/plain" || err != nil {
		t.Errorf("the answer is %q, %v", got, err)
	}
	got, err = ask(t, client(t, true), "http://"+p.address, "text/plain", "X-Long", strings.Repeat("x", 200_000))
	if got != "HTTP/2.0 text/plain" || err != nil {
		t.Errorf("to a header beyond what is looked at, the answer is %q, %v", got, err)
	}
}

func TestWhoSaysNothingIsHungUpOn(t *testing.T) {
	p := open(t, nil, 50*time.Millisecond, 50*time.Millisecond)
	for _, said := range []string{"", "PRI * HTTP", http2.ClientPreface, http2.ClientPreface + "\x00\x00\x00\x04"} {
		conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("after %q the connection is not ended in order: %v", said, err)
		}
		_ = conn.Close()
	}
}

func TestWhatIsNoHTTP2GetsTheHTTPServersAnswer(t *testing.T) {
	p := open(t, nil, time.Minute, time.Minute)
	for _, said := range []string{
		"\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\n\r\n\x00", "PRI * HTTP/2.1\r\n\r\n", "nonsense\r\n\r\n",
	} {
		conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, said+strings.Repeat("\r\n", 20)); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn) // which may end in a reset: not all of what was said is read
		if s := string(answer); !strings.HasPrefix(s, "HTTP/1.1 400") && !strings.HasPrefix(s, "HTTP/1.1 505") {
			t.Errorf("to %q the answer is %q, want 400 or 505", said, answer)
		}
		_ = conn.Close()
	}
}

func TestCloseEndsConnectionsThatHaveNotBegun(t *testing.T) {
	p := open(t, nil, time.Hour, time.Hour)
	conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "PRI"); err != nil {
		t.Fatal(err)
	}
	checkHealth(t, p.address, insecure.NewCredentials()) // so that conn has been accepted
	if err := p.splitter.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("the connection says %q, %v, want nothing", rest, err)
	}
}

// FuzzFirstBytes throws bytes at the port: nothing may stop it from answering.
func FuzzFirstBytes(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	f.Add([]byte(http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x03\x01\x04\x00\x00\x00\x01\x82\x84\x86"))
	f.Add([]byte(http2.ClientPreface + "\xff\xff\xff\x01\x08\x00\x00\x00\x01\xff"))
	f.Add([]byte(http2.ClientPreface + "\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x01\x01\x0c\x00\x00\x00\x01\x05"))
	f.Fuzz(func(t *testing.T, said []byte) {
		p := open(t, nil, 20*time.Millisecond, 20*time.Millisecond)
		conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", p.address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(said)
		_ = conn.Close()
		checkHealth(t, p.address, insecure.NewCredentials())
	})
}
