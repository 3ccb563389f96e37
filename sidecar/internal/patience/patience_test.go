package patience_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/sidecar/internal/patience"
)

func serve(t *testing.T, read, write time.Duration, next http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(patience.Handler(read, write, next))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestWhoNeverSendsTheRestOfARequestIsNotWaitedFor(t *testing.T) {
	ended := make(chan error, 1)
	address := serve(t, 20*time.Millisecond, time.Minute, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		ended <- err
	})
	conn := connect(t, address)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nonly this"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || strings.Contains(err.Error(), address) {
		t.Errorf("half a request was read with error %v, want one that names no address", err)
	}
	if rest, err := io.ReadAll(conn); err != nil || !strings.Contains(string(rest), "Connection: close") {
		t.Errorf("the connection says %q, %v, want that it is closed", rest, err)
	}
}

// What is left of a request that was given up must not become another one.
func TestLateBytesOfABodyAreNoRequest(t *testing.T) {
	asked := make(chan string, 10)
	address := serve(t, 20*time.Millisecond, time.Minute, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		// As connect-go does for streams: net/http then leaves the body alone.
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusGatewayTimeout)
	})
	conn := connect(t, address)
	if _, err := io.WriteString(conn, "POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	_, _ = io.ReadAll(conn)
	close(asked)
	for path := range asked {
		if path != "/first" {
			t.Errorf("there was a request for %s", path)
		}
	}
}

func TestWhoNeverReadsTheAnswerIsNotWaitedFor(t *testing.T) {
	ended := make(chan error, 1)
	address := serve(t, time.Minute, 20*time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for piece := bytes.Repeat([]byte("x"), 1<<16); err == nil; {
			_, err = w.Write(piece)
		}
		ended <- err
	})
	conn := connect(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("an answer that nobody reads had an end")
	}
}

// A stream outlives both patiences by far, as long as its pieces are read.
func TestAnAnswerAsAWholeMayTakeLonger(t *testing.T) {
	const pieces = 20
	address := serve(t, 40*time.Millisecond, 40*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Errorf("read the request: %v", err)
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range pieces {
			<-tick.C
			if r.Context().Err() != nil {
				t.Error("the request was ended in the middle of the answer")
				return
			}
			_, _ = io.WriteString(w, "piece\n")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("flush a piece: %v", err)
			}
		}
	})
	for _, body := range []string{"", "a question"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if want := strings.Repeat("piece\n", pieces); string(got) != want || err != nil {
			t.Errorf("the answer has %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
}
