package ofrep_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/ofrep"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// plain does not ask for compression by itself, and does not undo it.
func plain(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestLongAnswersAreCompressedForWhoReadsThem(t *testing.T) {
	var flags []string
	for i := range 50 {
		flags = append(flags, fmt.Sprintf(`"flag-%d":{"variants":{"on":true},"defaultVariant":"on"}`, i))
	}
	st, _ := flagtest.Store(t, `{"flags":{`+strings.Join(flags, ",")+`}}`)
	address := serve(t, ofrep.New(st, tally.New()))
	want := ask(t, http.MethodPost, address+path, "")
	for accepted, compressed := range map[string]bool{
		"": false, "gzip": true, "br, GZIP;q=0.5": true, "*": true, "gzip;q=0": false, "gzip; q=0.0, *": false,
		"identity": false, "br": false, "x-gzip": true, "*;q=0": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", accepted)
		resp, err := plain(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = resp.Body
		if got := resp.Header.Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("with %q the answer is compressed: %v, want %v", accepted, got, compressed)
		} else if got {
			if body, err = gzip.NewReader(resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		_ = resp.Body.Close()
		if string(text) != want.body || err != nil {
			t.Errorf("with %q the answer is another one: %v", accepted, err)
		}
		if got := resp.Header.Get("ETag"); got != want.header.Get("ETag") {
			t.Errorf("with %q the ETag is %s, want %s", accepted, got, want.header.Get("ETag"))
		}
		if vary := resp.Header.Values("Vary"); !strings.Contains(strings.Join(vary, ","), "Accept-Encoding") {
			t.Errorf("with %q the answer varies by %v", accepted, vary)
		}
	}
	short := ask(t, http.MethodPost, address+path+"/flag-1", "", "Accept-Encoding", "gzip")
	if short.header.Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
}
