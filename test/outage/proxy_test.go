//go:build unix

package outage_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/grpc/go/flagd/evaluation/v2/evaluationv2grpc"
	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/provider"
)

// least and most are the backoff of providers that meet what ends at once, and
// watched is how long they are looked at: by then 0.2, 0.4, 0.8 and 0.8 s have
// passed between five attempts.
const (
	least   = 200 * time.Millisecond
	most    = 800 * time.Millisecond
	watched = 2200 * time.Millisecond
	bound   = 6
)

// Whatever ends each stream at once, it is not asked in a tight loop, and the state
// does not change more often than a stream is opened.
func TestStreamsThatEndAtOnceAreOpenedAtThePaceOfTheBackoff(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]streaming{
		"without an error": endsAtOnce, "with one": failsAtOnce, "when ready": endsWhenReady, "because there are none": isMissing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveForeign(t, "", versions{two: true}, &foreign{stream: s})
			f.set(1)
			a := run(t, provider.WithSidecar(f.address), patient(), provider.WithRetryBackoff(least, most))
			if ready := a.err == nil; ready != (s == endsWhenReady) {
				t.Errorf("setting the provider: %v", a.err)
			}
			before := f.streams.Load()
			pause(watched)
			if opened := f.streams.Load() - before; opened > bound {
				t.Errorf("%d streams were opened in %v, want at most %d", opened, watched, bound)
			}
			a.mu.Lock()
			told := len(a.told)
			a.mu.Unlock()
			if told > 3*bound {
				t.Errorf("%d events were told: %s", told, a.states(true))
			}
			a.awaitNumber(t, 1) // evaluations do not need the stream
		})
	}
}

// failing are credentials that cannot be had.
type failing struct{ asked atomic.Int64 }

func (c *failing) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	c.asked.Add(1)
	return nil, status.Error(codes.Unauthenticated, "no token to be had")
}

func (c *failing) RequireTransportSecurity() bool { return false }

func TestStreamThatCannotBeOpenedIsNotTriedInATightLoop(t *testing.T) {
	t.Parallel()
	s := newProcess(t, "--uri", "file:"+flagFile(t, 1))
	s.start(t)
	for name, follow := range map[string]provider.Option{
		"sidecar": provider.WithSidecar(s.evaluation), "sync stream": provider.WithSyncStream(s.sync),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c failing
			a := run(t, follow, provider.WithRetryBackoff(least, most), provider.WithDialOptions(grpc.WithPerRPCCredentials(&c)))
			if a.err == nil {
				t.Error("it is READY without credentials")
			}
			pause(watched)
			if asked := c.asked.Load(); asked > 4*bound { // half the backoff, and the first second
				t.Errorf("credentials were asked for %d times", asked)
			}
		})
	}
	fatal := run(t, provider.WithSidecar(s.evaluation), provider.WithFatalStatusCodes("UNAUTHENTICATED"),
		provider.WithDialOptions(grpc.WithPerRPCCredentials(new(failing))))
	fatal.await(t, openfeature.FatalState)
}

// A server that never says it is ready answers all the same.
func TestServerThatNeverSaysItIsReadyStillAnswers(t *testing.T) {
	t.Parallel()
	f := serveForeign(t, "", versions{one: true, two: true}, &foreign{stream: saysNothing})
	f.set(1)
	a := run(t, provider.WithSidecar(f.address))
	if a.err == nil || a.client.State() != openfeature.ErrorState {
		t.Errorf("it is %s (%v), want ERROR", a.client.State(), a.err)
	}
	if got := a.number(t.Context()); got != 1 {
		t.Errorf("number = %d, want 1", got)
	}
	if got := f.during(t, func() { a.number(t.Context()) }); got != 1 {
		t.Error("an answer was kept although nobody tells of changes")
	}
}

// A server without an event stream answers all the same.
func TestServerWithoutEventsStillAnswers(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]versions{"version 1": {one: true}, "version 2": {two: true}, "both": {one: true, two: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveForeign(t, "", v, &foreign{stream: isMissing})
			f.set(1)
			a := run(t, provider.WithSidecar(f.address))
			if a.err == nil {
				t.Error("it is READY without an event stream")
			}
			for range 20 {
				if got := a.number(t.Context()); got != 1 {
					t.Fatalf("number = %d, want 1", got)
				}
				pause(10 * time.Millisecond)
			}
		})
	}
}

// graceful serves until it is told to stop as gRPC servers do: GOAWAY, and calls
// that are under way may end.
type graceful struct {
	evaluationv2grpc.UnimplementedServiceServer

	asked chan struct{} // of each question
	leave chan struct{} // lets answers and streams go
}

func (g *graceful) ResolveInt(context.Context, *evaluationv2.ResolveIntRequest) (*evaluationv2.ResolveIntResponse, error) {
	g.asked <- struct{}{}
	<-g.leave
	value, variant := int64(1), "one"
	return &evaluationv2.ResolveIntResponse{Value: &value, Variant: &variant, Reason: "TARGETING_MATCH"}, nil
}

func (g *graceful) EventStream(_ *evaluationv2.EventStreamRequest, stream grpc.ServerStreamingServer[evaluationv2.EventStreamResponse]) error {
	if err := stream.Send(&evaluationv2.EventStreamResponse{Type: "provider_ready"}); err != nil {
		return err
	}
	select {
	case <-g.leave:
	case <-stream.Context().Done():
	}
	return nil
}

func TestServerThatStopsGracefullyLosesNoAnswer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &graceful{asked: make(chan struct{}, 100), leave: make(chan struct{})}
	s := grpc.NewServer()
	evaluationv2grpc.RegisterServiceServer(s, g)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) }) // it is stopped
	a := run(t, provider.WithSidecar(l.Addr().String()), patient(), provider.WithDeadline(patience))
	if a.err != nil {
		t.Fatal(a.err)
	}
	answer := make(chan int64)
	go func() { answer <- a.number(t.Context()) }()
	<-g.asked
	serving.Go(s.GracefulStop)
	pause(100 * time.Millisecond)
	close(g.leave)
	if got := <-answer; got != 1 {
		t.Errorf("the question under way is answered %d, want 1", got)
	}
	serving.Wait()
	a.await(t, openfeature.StaleState)
	f := serveForeign(t, l.Addr().String(), versions{two: true}, &foreign{})
	f.set(2)
	a.awaitEvents(t, "STALE READY CHANGED")
	a.awaitNumber(t, 2)
}

// A server that lets connections live no longer than a moment is connected to
// again, and each time is one loss, not several.
func TestConnectionsThatLiveShortly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	leave := make(chan struct{})
	close(leave)
	g := &graceful{asked: make(chan struct{}, 10000), leave: leave}
	s := grpc.NewServer(grpc.KeepaliveParams(keepalive.ServerParameters{
		MaxConnectionAge: 100 * time.Millisecond, MaxConnectionAgeGrace: 50 * time.Millisecond,
	}))
	hold := &holding{graceful: g}
	evaluationv2grpc.RegisterServiceServer(s, hold)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() { s.Stop(); serving.Wait() })
	a := run(t, provider.WithSidecar(l.Addr().String()), patient(), provider.WithRetryBackoff(least, most))
	if a.err != nil {
		t.Fatal(a.err)
	}
	begun := hold.streams.Load()
	over := time.After(watched)
	wrong, asked := 0, 0
	for done := false; !done; asked++ {
		select {
		case <-over:
			done = true
		default:
		}
		if _, err := a.client.IntValue(t.Context(), "number", -1, openfeature.EvaluationContext{}); err != nil {
			wrong++
			t.Log(err)
		}
		pause(5 * time.Millisecond)
	}
	streams := hold.streams.Load() - begun
	if streams > bound {
		t.Errorf("%d streams were opened in %v, want at most %d", streams, watched, bound)
	}
	if wrong > int(streams)+1 { // one may be on its way when a connection is ended by force
		t.Errorf("%d of %d questions were not answered, over %d streams", wrong, asked, streams)
	}
}

// holding has event streams that go on until their connection ends.
type holding struct {
	*graceful

	streams atomic.Int64
}

func (h *holding) EventStream(_ *evaluationv2.EventStreamRequest, stream grpc.ServerStreamingServer[evaluationv2.EventStreamResponse]) error {
	h.streams.Add(1)
	err := stream.Send(&evaluationv2.EventStreamResponse{Type: "provider_ready"})
	<-stream.Context().Done()
	return err
}

// A listener that hangs up on whoever comes is not called in a tight loop.
func TestListenerThatHangsUpIsCalledAtThePaceOfTheBackoff(t *testing.T) {
	t.Parallel()
	for name, follow := range map[string]func(string) provider.Option{"sidecar": provider.WithSidecar, "sync stream": provider.WithSyncStream} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var calls atomic.Int64
			var listening sync.WaitGroup
			listening.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					calls.Add(1)
					c.Close()
				}
			})
			t.Cleanup(func() { l.Close(); listening.Wait() })
			a := run(t, follow(l.Addr().String()), provider.WithRetryBackoff(least, most))
			if a.err == nil {
				t.Error("it is READY")
			}
			slowest := time.Duration(0)
			for over := time.Now().Add(watched); time.Now().Before(over); {
				begun := time.Now()
				if got := a.number(t.Context()); got != -1 {
					t.Fatalf("number = %d", got)
				}
				slowest = max(slowest, time.Since(begun))
				pause(10 * time.Millisecond)
			}
			if got := calls.Load(); got > 4*bound {
				t.Errorf("it was called %d times", got)
			}
			if slowest > deadline+slack {
				t.Errorf("an evaluation took %v", slowest)
			}
		})
	}
}

// Who joins another's question waits no longer than if it were its own, even if
// those who sent it give up one after the other.
func TestNobodyWaitsLongerThanTheDeadlineForAnothersQuestion(t *testing.T) {
	t.Parallel()
	f := serveForeign(t, "", versions{two: true}, &foreign{})
	wire := link.New(t, f.address)
	const allowed = 4 * time.Second
	a := run(t, provider.WithSidecar(wire.Address()), patient(), provider.WithDeadline(allowed))
	if a.err != nil {
		t.Fatal(a.err)
	}
	wire.Freeze()
	var all sync.WaitGroup
	for i := range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), allowed*time.Duration(9*(i+1))/10)
		t.Cleanup(cancel)
		all.Go(func() { a.client.Int(ctx, "mine", -1, gold()) })
		pause(20 * time.Millisecond) // the first is to send it
	}
	begun := time.Now()
	a.client.Int(t.Context(), "mine", -1, gold())
	if took := time.Since(begun); took > allowed*3/2 { // at least 1.9 times if the first is waited for
		t.Errorf("it took %v, with a deadline of %v", took, allowed)
	}
	all.Wait()
}

// That a caller gives up is no sign of life.
func TestCallersWithLittleTimeAreNoSignOfLife(t *testing.T) {
	t.Parallel()
	f := serveForeign(t, "", versions{two: true}, &foreign{})
	wire := link.New(t, f.address)
	a := run(t, provider.WithSidecar(wire.Address()), patient())
	if a.err != nil {
		t.Fatal(a.err)
	}
	wire.Freeze()
	a.client.Int(t.Context(), "mine", -1, gold()) // notices
	waited := 0
	for i := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		a.client.Int(ctx, fmt.Sprint("mine-", i), -1, gold())
		cancel()
		var all sync.WaitGroup
		var late atomic.Int64
		for j := range 4 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				begun := time.Now()
				a.client.Int(ctx, fmt.Sprint("mine-", i, "-", j), -1, gold())
				if time.Since(begun) > 45*time.Millisecond {
					late.Add(1)
				}
			})
		}
		all.Wait()
		waited += int(late.Load())
	}
	if waited > 60 { // one in four, and not all of them
		t.Errorf("%d of 80 callers were let wait", waited)
	}
	wire.Thaw()
	eventually(t, "answers", func() string {
		if a.client.Int(t.Context(), "mine", -1, gold()) == -1 {
			return "none"
		}
		return ""
	})
}
