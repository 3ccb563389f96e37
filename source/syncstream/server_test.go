package syncstream_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/sync/v1/syncv1grpc"
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
	"github.com/flagline/flagline/source/syncstream"
)

// A server speaks flagd.sync.v1. It sends what it holds, and each change.
type server struct {
	syncv1grpc.UnimplementedFlagSyncServiceServer

	address string

	mu      sync.Mutex
	text    string // "" is nothing yet
	changed chan struct{}
	end     error // what a stream ends with after its first message
	ends    bool  // whether it does
	refuse  error // what a stream ends with at once
	context map[string]any
	asked   []question
}

// A question is what a client asked for.
type question struct {
	*syncv1.SyncFlagsRequest

	metadata metadata.MD
	peer     *peer.Peer
}

func selectorIn(q question) string {
	return q.GetSelector() //nolint:staticcheck // servers of older versions read it
}

// serve starts a server that has nothing yet and lets clients ask for signs of
// life as often as they like.
func serve(t *testing.T, options ...grpc.ServerOption) *server {
	t.Helper()
	return serveAt(t, "tcp", "127.0.0.1:0", options...)
}

func serveAt(t *testing.T, network, address string, options ...grpc.ServerOption) *server {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String(), changed: make(chan struct{})}
	often := grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Millisecond})
	g := grpc.NewServer(append([]grpc.ServerOption{often}, options...)...)
	syncv1grpc.RegisterFlagSyncServiceServer(g, s)
	done := make(chan error)
	go func() { done <- g.Serve(listener) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return s
}

func (s *server) SyncFlags(req *syncv1.SyncFlagsRequest, stream grpc.ServerStreamingServer[syncv1.SyncFlagsResponse]) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	from, _ := peer.FromContext(stream.Context())
	s.mu.Lock()
	s.asked = append(s.asked, question{req, md, from})
	s.mu.Unlock()
	for {
		s.mu.Lock()
		m, changed, ends, end, refuse := s.message(), s.changed, s.ends, s.end, s.refuse
		s.mu.Unlock()
		if refuse != nil {
			return refuse
		}
		if m != nil {
			if err := stream.Send(m); err != nil || ends {
				return end
			}
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

func (s *server) message() *syncv1.SyncFlagsResponse {
	if s.text == "" {
		return nil
	}
	m := &syncv1.SyncFlagsResponse{FlagConfiguration: s.text}
	if s.context != nil {
		m.SyncContext, _ = structpb.NewStruct(s.context)
	}
	return m
}

func (s *server) send(text string) { s.set(func() { s.text = text }) }

// endWith ends every stream after its next message.
func (s *server) endWith(err error) { s.set(func() { s.ends, s.end = true, err }) }

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) questions() []question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.asked)
}

func open(t *testing.T, cfg syncstream.Config) *syncstream.Source {
	t.Helper()
	if cfg.KeepAlive == 0 {
		cfg.KeepAlive = 10 * time.Second
	}
	src, err := syncstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// watch watches until the test ends.
func watch(t *testing.T, cfg syncstream.Config) *sourcetest.Recorder {
	t.Helper()
	r := new(sourcetest.Recorder)
	watchInto(t, cfg, r)
	return r
}

func watchInto(t *testing.T, cfg syncstream.Config, sink source.Sink) {
	t.Helper()
	watchSource(t, open(t, cfg), sink)
}

func watchSource(t *testing.T, src source.Source, sink source.Sink) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- src.Watch(ctx, sink) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
}

// serveNothing starts a gRPC server without services and returns its address.
func serveNothing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	done := make(chan error)
	go func() { done <- g.Serve(listener) }()
	t.Cleanup(func() {
		g.Stop()
		if err := <-done; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return listener.Addr().String()
}

func awaitErr(t *testing.T, r *sourcetest.Recorder, part string) sourcetest.State {
	t.Helper()
	return r.Await(t, "an error that says "+part, func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(s.Status.Err.Error(), part)
	})
}

func awaitFlag(t *testing.T, r *sourcetest.Recorder, n string) sourcetest.State {
	t.Helper()
	return r.Await(t, "flag a to be "+n, func(s sourcetest.State) bool {
		return s.Status.Connected && s.Records[sourcetest.ID{Key: "a"}] == `{"n":`+n+`}`
	})
}
