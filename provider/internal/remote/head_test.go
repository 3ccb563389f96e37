package remote

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

const plainHead = "HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nFlagline-Reuse: m1\r\n" +
	"Date: Fri, 20 Nov 2026 20:00:00 GMT\r\ncontent-length: 2\r\n\r\n"

func TestPlainHeadIsReadHoweverItArrives(t *testing.T) {
	for name, from := range map[string]io.Reader{
		"at once":      strings.NewReader(plainHead + "ok"),
		"byte by byte": iotest.OneByteReader(strings.NewReader(plainHead + "ok")),
	} {
		h, ok, err := peekHead(bufio.NewReaderSize(from, lookAt))
		if !ok || err != nil || h.length != 2 || h.size != len(plainHead) || string(h.mark) != "m1" {
			t.Errorf("%s: %+v, %v, %v", name, h, ok, err)
		}
	}
}

func TestOddHeadIsLeftAlone(t *testing.T) {
	for name, text := range map[string]string{
		"an error":         strings.Replace(plainHead, "200 OK", "404 Not Found", 1),
		"another version":  strings.Replace(plainHead, "1.1", "1.0", 1),
		"another type":     strings.Replace(plainHead, "application/proto", "application/json", 1),
		"no length":        strings.Replace(plainHead, "content-length: 2\r\n", "", 1),
		"two lengths":      strings.Replace(plainHead, "Date:", "Content-Length:", 1),
		"a negative one":   strings.Replace(plainHead, ": 2", ": -2", 1),
		"chunks":           strings.Replace(plainHead, "Date: ", "Transfer-Encoding: chunked\r\nDate: ", 1),
		"the end":          strings.Replace(plainHead, "Date: ", "Connection: close\r\nDate: ", 1),
		"a folded line":    strings.Replace(plainHead, "Date: ", "X: a\r\n b\r\nDate: ", 1),
		"a bare newline":   strings.Replace(plainHead, "Date: ", "X: a\nContent-Length: 7\r\nDate: ", 1),
		"two marks":        strings.Replace(plainHead, "Date: ", "flagline-reuse: m2\r\nDate: ", 1),
		"too long a head":  strings.Replace(plainHead, "Date: ", "X: "+strings.Repeat("x", lookAt)+"\r\nDate: ", 1),
		"something before": "\r\n" + plainHead,
	} {
		r := bufio.NewReaderSize(strings.NewReader(text+"ok"), lookAt)
		if h, ok, err := peekHead(r); ok || err != nil {
			t.Errorf("%s: %+v, %v, %v", name, h, ok, err)
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != text+"ok" {
			t.Errorf("%s: something is gone", name)
		}
	}
}

// What is taken for a plain head is one to net/http, and says the same.
func FuzzHead(f *testing.F) {
	f.Add([]byte(plainHead))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/proto\r\nContent-Length: 2\r\nX : y\r\n\r\nok"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Type:\tapplication/proto \r\nContent-Length: 02\r\nKeep-Alive: 5\r\n\r\nok"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, ok, err := peekHead(bufio.NewReaderSize(bytes.NewReader(data), lookAt))
		if !ok || err != nil {
			return
		}
		res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
		if err != nil {
			t.Fatalf("net/http does not take %q: %v", data, err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ContentLength != int64(h.length) || res.Close || len(res.TransferEncoding) > 0 ||
			res.Header.Get("Content-Type") != answerType || res.Header.Get("Flagline-Reuse") != string(h.mark) {
			t.Fatalf("%q is read as %+v, by net/http as %+v", data, h, res)
		}
	})
}
