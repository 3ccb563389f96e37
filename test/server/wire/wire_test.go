package wire_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v1/evaluationv1grpc"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flagline/flagline/test/server/wire"
)

// listen serves over HTTP/1.1 and returns where.
func listen(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func dial(t *testing.T, address string, q wire.Question) *wire.Conn {
	t.Helper()
	conn, err := wire.Dial(t.Context(), address, &q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAnswersAreReadToTheirEndHoweverTheyAreSent(t *testing.T) {
	long := strings.Repeat("a long answer. ", 20_000)
	address := listen(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/parts":
			_, _ = io.WriteString(w, long[:7])
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, long[7:])
		case "/whole":
			w.Header().Set("Content-Length", fmt.Sprint(len(long)))
			_, _ = io.WriteString(w, long)
		}
	})
	for _, path := range []string{"/parts", "/whole"} {
		conn := dial(t, address, wire.Question{Path: path, Body: []byte("{}")})
		for range 3 { // what is left of one answer would be in the next
			a, err := conn.Ask(0)
			if err != nil {
				t.Fatal(err)
			}
			if string(a.Body) != long {
				t.Errorf("%s has %d bytes, want %d", path, len(a.Body), len(long))
			}
		}
	}
}

func TestAnotherStatusThanWantedIsAnError(t *testing.T) {
	address := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"tag"`)
		if r.Header.Get("If-None-Match") == `"tag"` {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	a, err := dial(t, address, wire.Question{Path: "/"}).Ask(0)
	if err != nil || a.ETag != `"tag"` {
		t.Fatalf("the first answer has the tag %q, %v", a.ETag, err)
	}
	named := []wire.Field{{Name: "If-None-Match", Value: a.ETag}}
	if _, err := dial(t, address, wire.Question{Path: "/", Header: named}).Ask(0); err == nil {
		t.Error("304 passes for 200")
	}
	if _, err := dial(t, address, wire.Question{Path: "/", Header: named, Want: 304}).Ask(0); err != nil {
		t.Error(err)
	}
}

func TestACrowdNeverAsksTheSameTwice(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	address := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen[string(body)]++
		mu.Unlock()
	})
	q := wire.Question{Path: "/", Body: []byte(`"user-` + wire.Placeholder + `"`)}
	last, asked := 0, 0
	for range 2 {
		crowd, err := wire.Gather(t.Context(), address, &q, 3, last)
		if err != nil {
			t.Fatal(err)
		}
		load, err := crowd.Run(10 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		last, asked = crowd.Last(), asked+load.Requests
		crowd.Close()
	}
	if len(seen) != asked || asked == 0 {
		t.Errorf("%d requests had %d bodies", asked, len(seen))
	}
	if seen[`"user-0000001"`] != 1 {
		t.Error("the first number is not 1")
	}
}

// flags answer over gRPC, and tell of as many events as they are asked about.
type flags struct {
	evaluationv1grpc.UnimplementedServiceServer
	events chan struct{}
}

func (flags) ResolveBoolean(_ context.Context, r *evaluationv1.ResolveBooleanRequest) (*evaluationv1.ResolveBooleanResponse, error) {
	if r.GetFlagKey() != "known" {
		return nil, status.Error(codes.NotFound, "no such flag")
	}
	return &evaluationv1.ResolveBooleanResponse{Value: true, Variant: "on", Reason: strings.Repeat("STATIC", 10_000)}, nil
}

func (f flags) EventStream(_ *evaluationv1.EventStreamRequest, s grpc.ServerStreamingServer[evaluationv1.EventStreamResponse]) error {
	for range f.events {
		if err := s.Send(&evaluationv1.EventStreamResponse{Type: strings.Repeat("event", 10_000)}); err != nil {
			return err
		}
	}
	return nil
}

func listenGRPC(t *testing.T, f flags) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	evaluationv1grpc.RegisterServiceServer(s, f)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func booleanQuestion(t *testing.T, key string) wire.Question {
	t.Helper()
	body, err := proto.Marshal(&evaluationv1.ResolveBooleanRequest{FlagKey: key})
	if err != nil {
		t.Fatal(err)
	}
	return wire.Question{GRPC: true, Path: "/flagd.evaluation.v1.Service/ResolveBoolean", Body: body}
}

func TestAServerOfGRPCUnderstandsAndIsUnderstood(t *testing.T) {
	address := listenGRPC(t, flags{})
	conn := dial(t, address, booleanQuestion(t, "known"))
	for range 5 { // from the second on, headers are told by their numbers
		a, err := conn.Ask(0)
		if err != nil {
			t.Fatal(err)
		}
		var r evaluationv1.ResolveBooleanResponse
		if err := proto.Unmarshal(a.Body, &r); err != nil || !r.GetValue() || len(r.GetReason()) != 60_000 {
			t.Fatalf("the answer is %v and %d bytes long, %v", r.GetValue(), len(r.GetReason()), err)
		}
	}
	if _, err := dial(t, address, booleanQuestion(t, "unknown")).Ask(0); err == nil || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("an unknown flag gives %v", err)
	}
}

func TestStreamsHearWholeMessages(t *testing.T) {
	const streams, messages = 4, 3
	f := flags{events: make(chan struct{})}
	address := listenGRPC(t, f)
	heard := make(chan wire.Heard)
	q := wire.Question{GRPC: true, Path: "/flagd.evaluation.v1.Service/EventStream"}
	if err := wire.Listen(t.Context(), address, &q, 10, streams, heard); err != nil {
		t.Fatal(err)
	}
	// Whichever stream takes it sends a message, longer than a frame.
	for range streams * messages {
		f.events <- struct{}{}
		h := <-heard
		if h.Err != nil || h.Stream < 10 || h.Stream >= 10+streams || h.Bytes < 50_000 {
			t.Fatalf("a message is heard as %+v", h)
		}
	}
	close(f.events)
	select {
	case h := <-heard:
		t.Errorf("after the last message %+v is heard", h)
	default:
	}
}
