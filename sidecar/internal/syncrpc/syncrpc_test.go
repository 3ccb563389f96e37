package syncrpc_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/sync/v1/syncv1connect"
	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/sync/v1/syncv1grpc"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/split"
	"github.com/flagline/flagline/sidecar/internal/syncrpc"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// authored has what authors write beside flagd's part of a flag, a reference,
// and a flag that does not compile.
const authored = `{
	"$schema": "https://flagd.dev/schema/v0/flags.json",
	"description": "all of the shop",
	"metadata": {"flagSetId": "shop", "version": "7"},
	"$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@example.com"]}},
	"flags": {
		"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			"targeting": {"if": [{"$ref": "staff"}, "on", null]}, "metadata": {"version": "8"},
			"description": "a secret plan", "owner": "team-a", "tags": ["q3"], "expires": "2027-01-01", "type": "release"},
		"old": {"variants": {"x": 1.50}, "state": "DISABLED"},
		"bad": {"state": "ENABLED", "variants": {"x": 1}, "defaultVariant": "y"}
	}
}`

// handedOn is what others are told of it.
const handedOn = `{"flags":{
	"new": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on", null]},
		"metadata": {"flagSetId": "shop", "version": "8"}},
	"old": {"variants": {"x": 1.5}, "state": "DISABLED", "defaultVariant": "",
		"metadata": {"flagSetId": "shop", "version": "7"}}
}}`

func serve(t *testing.T, s *syncrpc.Service) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := split.New(listener, time.Minute, time.Minute)
	procedures, server := s.Procedures(), grpc.NewServer(grpc.ForceServerCodecV2(rpc.Codec()))
	procedures.Register(server)
	mux := http.NewServeMux()
	procedures.Handle(mux)
	mux.Handle("/v1/flags", s)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	var servers sync.WaitGroup
	servers.Go(func() { _ = port.Serve() })
	servers.Go(func() { _ = server.Serve(port.GRPC()) })
	servers.Go(func() { _ = web.Serve(port.HTTP()) })
	t.Cleanup(func() {
		_ = port.Close()
		_ = web.Close()
		server.Stop()
		servers.Wait()
	})
	return listener.Addr().String()
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func client(t *testing.T, address string) syncv1grpc.FlagSyncServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return syncv1grpc.NewFlagSyncServiceClient(conn)
}

func checkDocument(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%q is not JSON: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the document is\n%s\nwant\n%s", got, want)
	}
}

func receive(t *testing.T, stream grpc.ServerStreamingClient[syncv1.SyncFlagsResponse]) *syncv1.SyncFlagsResponse {
	t.Helper()
	message, err := stream.Recv()
	if err != nil {
		t.Fatalf("the stream ended: %v", err)
	}
	return message
}

func TestFlagdsPartOfEachFlagIsHandedOnAndNothingElse(t *testing.T) {
	counts := tally.New()
	st, _ := flagtest.Store(t, authored)
	s := syncrpc.New(st, counts)
	s.Context = map[string]any{"region": "eu"}
	address := serve(t, s)

	stream, err := client(t, address).SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{ProviderId: "a"})
	if err != nil {
		t.Fatal(err)
	}
	first := receive(t, stream)
	checkDocument(t, first.GetFlagConfiguration(), handedOn)
	if got := first.GetSyncContext().AsMap(); !reflect.DeepEqual(got, s.Context) {
		t.Errorf("the context is %v, want %v", got, s.Context)
	}

	fetched, err := client(t, address).FetchAllFlags(bounded(t), &syncv1.FetchAllFlagsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	checkDocument(t, fetched.GetFlagConfiguration(), handedOn)

	for _, options := range [][]connect.ClientOption{nil, {connect.WithProtoJSON()}, {connect.WithGRPCWeb()}} {
		other := syncv1connect.NewFlagSyncServiceClient(http.DefaultClient, "http://"+address, options...)
		fetched, err := other.FetchAllFlags(bounded(t), connect.NewRequest(&syncv1.FetchAllFlagsRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		checkDocument(t, fetched.Msg.GetFlagConfiguration(), handedOn)
	}
}

func TestAChangeIsSentAndWhatIsNoneIsNot(t *testing.T) {
	st, sink := flagtest.Store(t, `{"flags":{"a":{"variants":{"x":1},"defaultVariant":"x"}}}`)
	other := st.Add("other.json")
	flagtest.Deliver(t, other, 1, `{"flags":{}}`)
	c := client(t, serve(t, syncrpc.New(st, tally.New())))
	stream, err := c.SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{Selector: "source=" + flagtest.Source}) //nolint:staticcheck // old clients do so
	if err != nil {
		t.Fatal(err)
	}
	receive(t, stream)
	flagtest.Deliver(t, other, 2, authored)
	flagtest.Deliver(t, sink, 2, `{"flags":{"a":{"defaultVariant":"x","variants":{"x":1}}}}`)
	flagtest.Deliver(t, sink, 3, `{"flags":{"a":{"variants":{"x":2},"defaultVariant":"x"}}}`)
	checkDocument(t, receive(t, stream).GetFlagConfiguration(),
		`{"flags":{"a":{"state":"ENABLED","variants":{"x":2},"defaultVariant":"x"}}}`)
}

func TestTheSelectorInTheHeaderWins(t *testing.T) {
	st, _ := flagtest.Store(t, authored)
	c := client(t, serve(t, syncrpc.New(st, tally.New())))
	ctx := metadata.AppendToOutgoingContext(bounded(t), "flagd-selector", "flagSetId=other")
	fetched, err := c.FetchAllFlags(ctx, &syncv1.FetchAllFlagsRequest{Selector: "flagSetId=shop"}) //nolint:staticcheck // old clients do so
	if err != nil {
		t.Fatal(err)
	}
	checkDocument(t, fetched.GetFlagConfiguration(), `{"flags":{}}`)

	ctx = metadata.AppendToOutgoingContext(bounded(t), "flagd-selector", "owner=me")
	if _, err := c.FetchAllFlags(ctx, &syncv1.FetchAllFlagsRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an unknown selector gives %v, want invalid argument", err)
	}
}

func TestNothingIsHandedOnBeforeEverySourceHasDelivered(t *testing.T) {
	st := store.New()
	first, second := st.Add("first.json"), st.Add("second.json")
	address := serve(t, syncrpc.New(st, tally.New()))
	flagtest.Deliver(t, first, 1, authored)
	c := client(t, address)
	if _, err := c.FetchAllFlags(bounded(t), &syncv1.FetchAllFlagsRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("before the second source, the answer is %v, want unavailable", err)
	}
	if status, _, _ := get(t, address, ""); status != http.StatusServiceUnavailable {
		t.Errorf("before the second source, the answer is %d, want 503", status)
	}
	stream, err := c.SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	flagtest.Deliver(t, second, 1, `{"flags":{"z":{"variants":{"x":1}}}}`)
	if got := receive(t, stream).GetFlagConfiguration(); !strings.Contains(got, `"z":`) || !strings.Contains(got, `"new":`) {
		t.Errorf("the first document is %s, want the flags of both sources", got)
	}
}

func TestMetadataAreTheContextUnlessTheyAreRefused(t *testing.T) {
	st, _ := flagtest.Store(t, authored)
	s := syncrpc.New(st, tally.New())
	s.Context = map[string]any{"region": "eu"}
	got, err := client(t, serve(t, s)).GetMetadata(bounded(t), &syncv1.GetMetadataRequest{}) //nolint:staticcheck // old clients ask for it
	if err != nil || !reflect.DeepEqual(got.GetMetadata().AsMap(), s.Context) {
		t.Errorf("the metadata are %v, %v, want %v", got, err, s.Context)
	}
	refusing := syncrpc.New(st, tally.New())
	refusing.NoMetadata = true
	_, err = client(t, serve(t, refusing)).GetMetadata(bounded(t), &syncv1.GetMetadataRequest{}) //nolint:staticcheck // idem
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("refused metadata give %v, want unimplemented", err)
	}
}

func TestStreamsEndWithTheServiceAndWithTheirDeadline(t *testing.T) {
	st, _ := flagtest.Store(t, authored)
	reasons := make(chan string, 2)
	streams := func(provider, selector string) func(string) {
		return func(reason string) { reasons <- provider + " " + selector + " " + reason }
	}
	closing := make(chan struct{})
	s := syncrpc.New(st, tally.New())
	s.Closing, s.Streams = closing, streams
	stream, err := client(t, serve(t, s)).SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{ProviderId: "p"})
	if err != nil {
		t.Fatal(err)
	}
	receive(t, stream)
	close(closing)
	if _, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream of a service that closes ends with %v, want unavailable", err)
	}
	if got := <-reasons; got != "p  normal_close" {
		t.Errorf("the stream ended as %q", got)
	}

	s = syncrpc.New(st, tally.New())
	s.StreamDeadline, s.Streams = 10*time.Millisecond, streams
	stream, err = client(t, serve(t, s)).SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{ProviderId: "p"})
	if err != nil {
		t.Fatal(err)
	}
	receive(t, stream)
	if _, err := stream.Recv(); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the stream ends with %v, want deadline exceeded", err)
	}
	if got := <-reasons; got != "p  deadline_exceeded" {
		t.Errorf("the stream ended as %q", got)
	}
}

// Each of the documents is larger than what connections hold: who does not read
// is sent the first that was on its way, and then the last.
func TestWhoReadsSlowlySkipsToTheNewest(t *testing.T) {
	document := func(n int) string {
		return `{"flags":{"a":{"variants":{"x":"` + strings.Repeat(string(rune('a'+n%26)), 3<<20) + `"},"defaultVariant":"x"}}}`
	}
	st, sink := flagtest.Store(t, document(0))
	c := client(t, serve(t, syncrpc.New(st, tally.New())))
	stream, err := c.SyncFlags(bounded(t), &syncv1.SyncFlagsRequest{}, grpc.MaxCallRecvMsgSize(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	receive(t, stream)
	const changes = 40
	for n := 1; n <= changes; n++ {
		flagtest.Deliver(t, sink, uint64(n+1), document(n))
	}
	last, received := strings.Repeat(string(rune('a'+changes%26)), 100), 0
	for {
		received++
		if strings.Contains(receive(t, stream).GetFlagConfiguration(), last) {
			break
		}
	}
	if received > changes/2 {
		t.Errorf("there were %d documents on the way to the newest of %d changes", received, changes)
	}
}

func get(t *testing.T, address, have string, header ...string) (status int, body string, answer http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), http.MethodGet, "http://"+address+"/v1/flags", nil)
	if err != nil {
		t.Fatal(err)
	}
	if have != "" {
		req.Header.Set("If-None-Match", have)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

func TestTheDocumentIsThereOverHTTPWithItsETag(t *testing.T) {
	st, sink := flagtest.Store(t, authored)
	address := serve(t, syncrpc.New(st, tally.New()))
	status, body, header := get(t, address, "")
	if status != http.StatusOK || header.Get("Vary") != "Flagd-Selector" || header.Get("Content-Type") != "application/json" {
		t.Errorf("the answer is %d %v", status, header)
	}
	checkDocument(t, body, handedOn)
	if status, body, _ := get(t, address, header.Get("ETag")); status != http.StatusNotModified || body != "" {
		t.Errorf("who has it gets %d %q, want 304", status, body)
	}
	flagtest.Deliver(t, sink, 2, flagtest.Document)
	if status, _, _ := get(t, address, header.Get("ETag"), "If-Modified-Since", header.Get("Last-Modified")); status != http.StatusOK {
		t.Errorf("after a change the answer is %d, want 200", status)
	}
	if status, _, _ := get(t, address, "", "Flagd-Selector", "owner=me"); status != http.StatusBadRequest {
		t.Errorf("an unknown selector gives %d, want 400", status)
	}
	if status, body, _ := get(t, address, "", "Flagd-Selector", "flagSetId=other"); status != http.StatusOK || body != `{"flags":{}}` {
		t.Errorf("another set is %d %s, want no flags", status, body)
	}
}
