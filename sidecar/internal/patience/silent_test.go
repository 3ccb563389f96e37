package patience_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/flagline/flagline/sidecar/internal/patience"
)

// Over HTTP/2 a deadline ends a stream even if nobody writes.
func TestAStreamThatIsSilentIsKept(t *testing.T) {
	const write = 50 * time.Millisecond
	for _, second := range []bool{false, true} {
		speak := make(chan struct{})
		server := httptest.NewUnstartedServer(patience.Handler(time.Minute, write, http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				for {
					_, _ = io.WriteString(w, "a word\n")
					_ = http.NewResponseController(w).Flush() // as the reader finds out
					select {
					case <-speak:
					case <-r.Context().Done():
						return
					}
				}
			})))
		server.EnableHTTP2 = second
		server.StartTLS()
		t.Cleanup(server.Close)
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		lines := bufio.NewScanner(resp.Body)
		for range 3 {
			if !lines.Scan() {
				t.Fatalf("over %s the stream ended: %v", resp.Proto, lines.Err())
			}
			silence := time.NewTimer(4 * write)
			<-silence.C
			speak <- struct{}{}
		}
	}
}

// A long answer is written at once, and read in many pieces.
func TestWhoReadsALongAnswerSteadilyIsNotSlow(t *testing.T) {
	const long = 16 << 20
	address := serve(t, time.Minute, 100*time.Millisecond, func(w http.ResponseWriter, _ *http.Request) {
		if n, err := w.Write(make([]byte, long)); n != long || err != nil {
			t.Errorf("of %d bytes %d were written: %v", long, n, err)
		}
	})
	conn := connect(t, address)
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var read int64
	for {
		n, err := io.CopyN(io.Discard, conn, 512<<10)
		if read += n; err != nil {
			break
		}
		<-tick.C
	}
	if read < long {
		t.Errorf("%d bytes were read of %d", read, long)
	}
}
