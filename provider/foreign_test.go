package provider_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/provider"
)

// A director is a server of flagd's generated service whose event streams say what
// the test says, one after the other as they are opened.
type director struct {
	evaluationv2grpc.UnimplementedServiceServer

	opened chan *scene
}

// A scene is one event stream.
type scene struct {
	says chan *evalv2.EventStreamResponse
	ends chan error
}

func (d *director) EventStream(_ *evalv2.EventStreamRequest, s evaluationv2grpc.Service_EventStreamServer) error {
	sc := &scene{says: make(chan *evalv2.EventStreamResponse), ends: make(chan error, 1)}
	select {
	case d.opened <- sc:
	case <-s.Context().Done():
		return nil
	}
	for {
		select {
		case m := <-sc.says:
			if err := s.Send(m); err != nil {
				return err
			}
		case err := <-sc.ends:
			return err
		case <-s.Context().Done():
			return nil
		}
	}
}

// direct runs a director, and returns a provider that asks it, whose streams are
// replaced after so long.
func direct(t *testing.T, deadline time.Duration, options ...provider.Option) (*director, *provider.Provider) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &director{opened: make(chan *scene)}
	server := grpc.NewServer()
	evaluationv2grpc.RegisterServiceServer(server, d)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	options = append(options, provider.WithSidecar(l.Addr().String()), provider.WithStreamDeadline(deadline),
		provider.WithRetryBackoff(time.Millisecond, time.Millisecond), provider.WithGracePeriod(time.Hour))
	return d, newProvider(t, options...)
}

func (d *director) next(t *testing.T) *scene {
	t.Helper()
	select {
	case sc := <-d.opened:
		return sc
	case <-time.After(patience):
		t.Fatal("no event stream is opened")
		return nil
	}
}

func (sc *scene) say(t *testing.T, kind string, flags ...string) {
	t.Helper()
	changed := map[string]any{}
	for _, flag := range flags {
		changed[flag] = map[string]any{"type": "update"}
	}
	data, err := structpb.NewStruct(map[string]any{"flags": changed})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case sc.says <- &evalv2.EventStreamResponse{Type: kind, Data: data}:
	case <-time.After(patience):
		t.Fatalf("the stream that is to say %s has been closed", kind)
	}
}

// begin initialises p, whose first stream is ready.
func (d *director) begin(t *testing.T, p *provider.Provider) *scene {
	t.Helper()
	failed := make(chan error, 1)
	go func() { failed <- p.Init(openfeature.EvaluationContext{}) }()
	sc := d.next(t)
	sc.say(t, "provider_ready")
	if err := <-failed; err != nil {
		t.Fatalf("Init: %v", err)
	}
	return sc
}

func TestStreamThatReplacesASilentOneMakesItReady(t *testing.T) {
	d, p := direct(t, 100*time.Millisecond, provider.WithDeadline(patience))
	failed := make(chan error, 1)
	go func() { failed <- p.Init(openfeature.EvaluationContext{}) }()
	d.next(t) // says nothing
	d.next(t).say(t, "provider_ready")
	if err := <-failed; err != nil {
		t.Errorf("Init: %v", err)
	}
}

func TestOldStreamIsHeardWhileTheNextOneTakesItsPlace(t *testing.T) {
	d, p := direct(t, 500*time.Millisecond, provider.WithDeadline(patience))
	first := d.begin(t, p)
	second := d.next(t)
	second.say(t, "provider_ready")
	first.say(t, "configuration_change", "late") // it was on its way
	nextChange(t, p, "late")
	second.say(t, "configuration_change", "new")
	nextChange(t, p, "new")
}

func TestNextStreamThatEndsAtOnceIsNoLoss(t *testing.T) {
	d, p := direct(t, 500*time.Millisecond, provider.WithDeadline(patience))
	first := d.begin(t, p)
	second := d.next(t)
	second.say(t, "provider_ready")
	second.ends <- status.Error(codes.Unavailable, "enough")
	first.say(t, "configuration_change", "still")
	nextChange(t, p, "still") // and no STALE before it
}

func TestChangeBeforeAStreamIsReadySaysNothing(t *testing.T) {
	d, p := direct(t, 0, provider.WithDeadline(300*time.Millisecond))
	failed := make(chan error, 1)
	go func() { failed <- p.Init(openfeature.EvaluationContext{}) }()
	d.next(t).say(t, "configuration_change", "early")
	if err := <-failed; err == nil {
		t.Error("Init returned nil although the server was not ready")
	}
}

func TestNoCodeIsFatalOnceItWasReady(t *testing.T) {
	d, p := direct(t, 0, provider.WithDeadline(patience), provider.WithFatalStatusCodes("UNAUTHENTICATED"))
	d.begin(t, p).ends <- status.Error(codes.Unauthenticated, "the token has run out")
	next(t, p, openfeature.ProviderStale)
	d.next(t).say(t, "provider_ready")
	next(t, p, openfeature.ProviderReady)
}
