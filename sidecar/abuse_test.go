package sidecar_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar"
)

// abuses are what somebody may send to any port.
func abuses() map[string]string {
	const post = "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	const preface = http2.ClientPreface
	return map[string]string{
		"nothing":                    "",
		"noise":                      "\x00\x01\x02\xff\xfe\r\n\r\n",
		"TLS to plain text":          "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
		"half a request line":        "POST /ofre",
		"header without an end":      post + "X: " + strings.Repeat("x", 1000),
		"body without an end":        post + "Content-Length: 1000\r\n\r\n{",
		"negative length":            post + "Content-Length: -1\r\n\r\n",
		"two lengths":                post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"chunks without an end":      post + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n{",
		"chunk of no size":           post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"half a preface":             preface[:10],
		"preface alone":              preface,
		"settings too long":          preface + "\xff\xff\xff\x04\x00\x00\x00\x00\x00",
		"headers on stream 0":        preface + "\x00\x00\x01\x01\x04\x00\x00\x00\x00\x82",
		"continuation of nothing":    preface + "\x00\x00\x01\x09\x04\x00\x00\x00\x01\x82",
		"headers that do not decode": preface + "\x00\x00\x03\x01\x04\x00\x00\x00\x01\xff\xff\xff",
		"data before headers":        preface + "\x00\x00\x05\x00\x01\x00\x00\x00\x01hello",
		"acknowledgement of nothing": preface + strings.Repeat("\x00\x00\x00\x04\x01\x00\x00\x00\x00", 5),
	}
}

func TestWhateverIsSentThePortsGoOnAnswering(t *testing.T) {
	r := ready(t, sidecar.Config{})
	for _, address := range []string{r.Evaluation, r.Sync, r.OFREP, r.Management} {
		for name, said := range abuses() {
			for _, stays := range []bool{false, true} {
				conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", address)
				if err != nil {
					t.Fatalf("%s after %s: %v", address, name, err)
				}
				_, _ = io.WriteString(conn, said)
				if !stays {
					_ = conn.Close()
				} else {
					t.Cleanup(func() { _ = conn.Close() })
				}
			}
		}
	}
	if got := r.color(t); got != "red" {
		t.Errorf("OFREP answers %q, want red", got)
	}
	if got, err := resolve(bounded(t), dial(t, r.Evaluation)); got != "red" || err != nil {
		t.Errorf("gRPC answers %q, %v, want red", got, err)
	}
	if got, err := statusOf(t, http.DefaultClient, http.MethodGet, "http://"+r.Sync+"/v1/flags"); got != http.StatusOK {
		t.Errorf("sync answers %d, %v", got, err)
	}
	// Connections that have not said what they want do not keep it from ending.
	if err := r.end(t); err != nil {
		t.Errorf("the sidecar ends with %v", err)
	}
}

// raw is a message of gRPC that nobody has encoded.
type raw []byte

type rawCodec struct{}

func (rawCodec) Name() string                    { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error)   { return *v.(*raw), nil }
func (rawCodec) Unmarshal(b []byte, v any) error { *v.(*raw) = append(raw(nil), b...); return nil }

func TestMalformedMessagesGetTheDocumentedError(t *testing.T) {
	r := ready(t, sidecar.Config{})
	deep := raw("\x0a\x05color" + "\x12\x04\x0a\x02\x0a\x00") // an entry without a value is none
	for name, test := range map[string]struct {
		address, method string
		message         raw
		want            codes.Code
	}{
		"no protobuf":          {r.Evaluation, resolveString, raw("\xff\xff\xff"), codes.InvalidArgument},
		"cut off":              {r.Evaluation, resolveString, raw("\x0a\x7fcol"), codes.InvalidArgument},
		"text that is none":    {r.Evaluation, resolveString, raw("\x0a\x02\xff\xfe"), codes.InvalidArgument},
		"a context of oddness": {r.Evaluation, resolveString, deep, codes.OK},
		"nothing":              {r.Evaluation, resolveString, raw(""), codes.NotFound},
		"unknown method":       {r.Evaluation, "/flagd.evaluation.v2.Service/ResolveAll", raw(""), codes.Unimplemented},
		"unknown service":      {r.Evaluation, "/flagd.sync.v1.FlagSyncService/FetchAllFlags", raw(""), codes.Unimplemented},
		"sync: no protobuf":    {r.Sync, "/flagd.sync.v1.FlagSyncService/FetchAllFlags", raw("\xff"), codes.InvalidArgument},
	} {
		answer := new(raw)
		err := dial(t, test.address).Invoke(bounded(t), test.method, &test.message, answer, grpc.ForceCodec(rawCodec{}))
		if status.Code(err) != test.want {
			t.Errorf("%s is answered with %v, want %v", name, err, test.want)
		}
	}
}

func TestMalformedJSONGetsTheDocumentedError(t *testing.T) {
	r := ready(t, sidecar.Config{})
	nested := strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000)
	const ofrep = "/ofrep/v1/evaluate/flags/color"
	for name, test := range map[string]struct {
		url, body string
		want      []int
	}{
		"connect: no JSON":        {"http://" + r.Evaluation + resolveString, `{"flagKey":`, []int{400}},
		"connect: nothing":        {"http://" + r.Evaluation + resolveString, ``, []int{400}},
		"connect: another type":   {"http://" + r.Evaluation + resolveString, `{"flagKey":1}`, []int{400}},
		"connect: nested":         {"http://" + r.Evaluation + resolveString, `{"flagKey":"color","context":` + nested + `}`, []int{400}},
		"OFREP: no JSON":          {"http://" + r.OFREP + ofrep, `{"context":`, []int{400}},
		"OFREP: an array":         {"http://" + r.OFREP + ofrep, `[]`, []int{400}},
		"OFREP: nested":           {"http://" + r.OFREP + ofrep, `{"context":` + nested + `}`, []int{400}},
		"OFREP: context is text":  {"http://" + r.OFREP + ofrep, `{"context":"x"}`, []int{200}},
		"OFREP: unknown path":     {"http://" + r.OFREP + "/ofrep/v2/evaluate/flags", `{}`, []int{404}},
		"management: unknown":     {"http://" + r.Management + "/admin", `{}`, []int{404}},
		"management: POST":        {"http://" + r.Management + "/status", `{}`, []int{405}},
		"connect: unknown method": {"http://" + r.Evaluation + "/flagd.evaluation.v2.Service/ResolveAll", `{}`, []int{404}},
	} {
		if got := post(t, test.url, test.body); fmt.Sprint([]int{got}) != fmt.Sprint(test.want) {
			t.Errorf("%s is answered with %d, want %v", name, got, test.want)
		}
	}
}

// A message that says it is compressed may be a bomb: what counts is how long it
// is once it is read.
func TestCompressedMessagesAreMeasuredUncompressed(t *testing.T) {
	r := ready(t, sidecar.Config{MaxRequestBody: 100_000})
	bomb := raw("\x0a" + "\x80\x89\x7a" + strings.Repeat("x", 2_000_000))
	err := dial(t, r.Evaluation).Invoke(bounded(t), resolveString, &bomb, new(raw),
		grpc.ForceCodec(rawCodec{}), grpc.UseCompressor("gzip"))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a bomb is answered with %v, want resource exhausted", err)
	}
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	_, _ = z.Write([]byte(`{"flagKey":"` + strings.Repeat("x", 50_000_000) + `"}`))
	_ = z.Close()
	if got := post(t, "http://"+r.Evaluation+resolveString, small.String(), "Content-Encoding", "gzip"); got != http.StatusTooManyRequests {
		t.Errorf("over Connect a bomb is answered with %d, want 429", got)
	}
	small.Reset()
	z.Reset(&small)
	_, _ = z.Write([]byte(`{"flagKey":"color"}`))
	_ = z.Close()
	if got := post(t, "http://"+r.Evaluation+resolveString, small.String(), "Content-Encoding", "gzip"); got != http.StatusOK {
		t.Errorf("a compressed question is answered with %d, want 200", got)
	}
	ctx := metadata.AppendToOutgoingContext(bounded(t), "flagd-selector", strings.Repeat("x", 10_000))
	if _, err := resolve(ctx, dial(t, r.Evaluation)); status.Code(err) != codes.NotFound {
		t.Errorf("a selector of nothing is answered with %v, want not found", err)
	}
}

// Nobody waits for who subscribes and reads nothing. That such callers are hung up
// on in the end, the tests of package patience see.
func TestSubscribersThatDoNotReadHinderNobody(t *testing.T) {
	src, path := fileWith(t, flags("red"))
	cfg := sidecar.Config{}
	cfg.Sources = append(cfg.Sources, src)
	r := start(t, cfg)
	eventually(t, "readiness", func() string { return r.readiness(t) }, "OK")
	for range 50 {
		conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", r.OFREP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET /ofrep/v1/sse HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		color := []string{"red", "blue"}[i%2]
		write(t, path, flags(color))
		eventually(t, "color", func() string { return r.color(t) }, color)
	}
	began := time.Now()
	if err := r.end(t); err != nil {
		t.Errorf("the sidecar ends with %v", err)
	}
	t.Logf("it ended within %v", time.Since(began).Round(time.Millisecond))
}
