package sidecar_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/sync/v1/syncv1grpc"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
)

func dial(t *testing.T, address string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ready starts a sidecar and waits until it has flags.
func ready(t *testing.T, cfg sidecar.Config) *running {
	t.Helper()
	src, _ := fileWith(t, flags("red"))
	cfg.Sources = []source.Source{src}
	r := start(t, cfg)
	eventually(t, "readiness", func() string { return r.readiness(t) }, "OK")
	return r
}

func TestEachProtocolSaysThatARequestIsTooLarge(t *testing.T) {
	r := ready(t, sidecar.Config{MaxRequestBody: 1000})
	long := strings.Repeat("x", 2000)
	const procedure = "/flagd.evaluation.v2.Service/ResolveString"

	_, err := evaluationv2grpc.NewServiceClient(dial(t, r.Evaluation)).
		ResolveString(bounded(t), &eval.ResolveStringRequest{FlagKey: long})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("gRPC answers %v, want resource exhausted", err)
	}
	_, err = syncv1grpc.NewFlagSyncServiceClient(dial(t, r.Sync)).
		FetchAllFlags(bounded(t), &syncv1.FetchAllFlagsRequest{ProviderId: long})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("sync answers %v, want resource exhausted", err)
	}
	for url, want := range map[string]int{
		"http://" + r.Evaluation + procedure:                                http.StatusTooManyRequests,
		"http://" + r.Sync + "/flagd.sync.v1.FlagSyncService/FetchAllFlags": http.StatusTooManyRequests,
		"http://" + r.OFREP + "/ofrep/v1/evaluate/flags/color":              http.StatusRequestEntityTooLarge,
		"http://" + r.OFREP + "/ofrep/v1/evaluate/flags":                    http.StatusRequestEntityTooLarge,
	} {
		if got := post(t, url, `{"flagKey":"`+long+`"}`); got != want {
			t.Errorf("%s answers %d, want %d", url, got, want)
		}
	}
}

func post(t *testing.T, url, body string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body) // a server that has read enough may reset
	return resp.StatusCode
}

func TestAHeaderBeyondTheLimitIs431(t *testing.T) {
	r := ready(t, sidecar.Config{MaxRequestHeader: 8000})
	for _, address := range []string{r.Evaluation, r.Sync, r.OFREP} {
		if got := post(t, "http://"+address+"/", "{}", "X-Long", strings.Repeat("x", 20_000)); got != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s answers %d, want 431", address, got)
		}
	}
	_, err := evaluationv2grpc.NewServiceClient(dial(t, r.Evaluation, grpc.WithUserAgent(strings.Repeat("x", 20_000)))).
		ResolveString(bounded(t), &eval.ResolveStringRequest{FlagKey: "color"})
	if err == nil {
		t.Error("gRPC takes a header beyond the limit")
	}
}

// A pinger speaks HTTP/2 frame by frame, as a client of gRPC does before its
// first call.
type pinger struct {
	framer *http2.Framer
	conn   net.Conn
}

func newPinger(t *testing.T, address string) *pinger {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(bounded(t), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	p := &pinger{http2.NewFramer(conn, conn), conn}
	// One call, so that it is known to be gRPC's: to a procedure that there is not.
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := p.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	header := "\x83\x86\x44\x04/a/b" + "\x41\x01a" + "\x5f\x10application/grpc" + "\x0f\x2b\x0egrpc-go/1.83.2" + "\x40\x02te\x08trailers"
	if err := p.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: []byte(header), EndStream: true, EndHeaders: true,
	}); err != nil {
		t.Fatal(err)
	}
	return p
}

// ping sends pings and returns how many are answered before the server has
// enough, or of all.
func (p *pinger) ping(t *testing.T, count int) (answered int, goAway *http2.GoAwayFrame) {
	t.Helper()
	for i := range count {
		if err := p.framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			return answered, goAway
		}
		for {
			frame, err := p.framer.ReadFrame()
			if err != nil {
				return answered, goAway
			}
			if f, ok := frame.(*http2.GoAwayFrame); ok {
				return answered, f
			}
			if f, ok := frame.(*http2.PingFrame); ok && f.IsAck() {
				answered++
				break
			}
		}
	}
	return answered, nil
}

func TestPingsWithoutStreamsAreBorneUnlessTheyAreTooMany(t *testing.T) {
	tolerant := ready(t, sidecar.Config{KeepAliveMinTime: time.Nanosecond})
	if answered, goAway := newPinger(t, tolerant.Evaluation).ping(t, 20); answered != 20 {
		t.Errorf("%d of 20 pings are answered, then %v", answered, goAway)
	}
	for name, cfg := range map[string]sidecar.Config{
		"too often":      {KeepAliveMinTime: time.Hour},
		"without a call": {KeepAliveMinTime: time.Nanosecond, KeepAliveForbidWithoutStream: true},
	} {
		strict := ready(t, cfg)
		var goAway *http2.GoAwayFrame
		for attempt := 0; goAway == nil && attempt < 10; attempt++ {
			// A ping that crosses the last word has the connection reset, and that
			// lost, now and then.
			_, goAway = newPinger(t, strict.Evaluation).ping(t, 20)
		}
		if goAway == nil || goAway.ErrCode != http2.ErrCodeEnhanceYourCalm {
			t.Errorf("%s: pings are answered with %v, want enhance your calm", name, goAway)
		}
	}
}

func TestStreamsAndPortsEndInOrderWhenTheSidecarDoes(t *testing.T) {
	r := ready(t, sidecar.Config{})
	events, err := evaluationv2grpc.NewServiceClient(dial(t, r.Evaluation)).EventStream(bounded(t), &eval.EventStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	flagStream, err := syncv1grpc.NewFlagSyncServiceClient(dial(t, r.Sync)).SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := flagStream.Recv(); err != nil {
		t.Fatal(err)
	}
	page, err := http.Get("http://" + r.OFREP + "/ofrep/v1/sse")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Body.Close() }()
	if e, err := events.Recv(); err != nil || e.GetType() != "provider_ready" {
		t.Fatalf("the stream begins with %v, %v", e, err)
	}

	if err := r.end(t); err != nil {
		t.Errorf("the sidecar ends with %v", err)
	}
	if e, err := events.Recv(); err != nil || e.GetType() != "provider_shutdown" {
		t.Errorf("the last event is %v, %v, want provider_shutdown", e, err)
	}
	for name, end := range map[string]error{
		"events": second(events.Recv()), "flags": second(flagStream.Recv()),
	} {
		if status.Code(end) != codes.Unavailable {
			t.Errorf("the stream of %s ends with %v, want unavailable", name, end)
		}
	}
	if rest, err := io.ReadAll(page.Body); err != nil {
		t.Errorf("the page's stream ends with %v after %q", err, rest)
	}
	for _, address := range []string{r.Evaluation, r.Sync, r.OFREP, r.Management} {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Errorf("somebody still listens at %s", address)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAStreamsDeadlineEndsIt(t *testing.T) {
	r := ready(t, sidecar.Config{StreamDeadline: 20 * time.Millisecond})
	events, err := evaluationv2grpc.NewServiceClient(dial(t, r.Evaluation)).EventStream(bounded(t), &eval.EventStreamRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := events.Recv(); err != nil {
		t.Fatal(err)
	}
	_, err = events.Recv()
	want := fmt.Sprint(status.Error(codes.DeadlineExceeded, "stream closed due to server-side timeout"))
	if fmt.Sprint(err) != want {
		t.Errorf("the stream ends with %v, want %s", err, want)
	}
}
