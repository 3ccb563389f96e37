package httppoll

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

func FuzzAnswer(f *testing.F) {
	f.Add("Content-Type: application/json\r\n", []byte(`{"flags":{"a":{"n":1}},"metadata":{"flagSetId":"t"}}`), uint(20))
	f.Add("Content-Type: text/yaml\r\nETag: \"1\"\r\n", []byte("flags:\n  a: {n: 1}\n  b: {n: 2}\n"), uint(18))
	f.Add("Transfer-Encoding: chunked\r\nContent-Type: a/b+yaml; x=\"\r\n", []byte("3\r\nfla\r\n0\r\n\r\n"), uint(2))
	f.Add("Retry-After: 5\r\nLast-Modified: x\r\n", []byte("{}"), uint(0))
	f.Fuzz(func(t *testing.T, header string, body []byte, cut uint) {
		if strings.Contains(header, "\r\n\r\n") || len(body) == 0 {
			return
		}
		header = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n", len(body), header)
		taken(t, header, body)
		if strings.Count(strings.ToLower(header), "content-length") > 1 || strings.Contains(strings.ToLower(header), "transfer-encoding") {
			return // the length that counts may be another one
		}
		if part := body[:cut%uint(len(body))]; taken(t, header, part) != nil {
			t.Fatalf("%q of %q is taken for a document", part, body)
		}
	})
}

// taken returns what one response leads to: one whole update, or nothing and an
// error.
func taken(t *testing.T, header string, body []byte) *source.Update {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append([]byte(header), body...))), nil)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	answer, err := read(resp, 1<<20)
	if err != nil {
		return nil
	}
	src, err := New(Config{URI: "http://h/flags"})
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	w := watch{source: src, sink: r}
	err = w.take(answer)
	updates := r.State().Updates
	switch {
	case err != nil && len(updates) == 0:
		return nil
	case err == nil && len(updates) == 1 && updates[0].Replace:
		return &updates[0]
	}
	t.Fatalf("%q makes %d updates and the error %v", body, len(updates), err)
	return nil
}
