package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/internal/reuse"
)

// A foreign server is made of flagd's generated handlers, as flagd itself is.
type foreign struct {
	evaluationv2connect.UnimplementedServiceHandler

	mu       sync.Mutex
	versions map[int]int // of HTTP, by major number: how many questions came
	held     chan struct{}
}

func (f *foreign) ResolveBoolean(ctx context.Context, q *connect.Request[eval.ResolveBooleanRequest]) (*connect.Response[eval.ResolveBooleanResponse], error) {
	switch q.Msg.GetFlagKey() {
	case "gone":
		return nil, connect.NewError(connect.CodeNotFound, errors.New("Flag not found"))
	case "slow":
		select {
		case <-f.held:
		case <-ctx.Done():
		}
	}
	value := q.Msg.GetContext().GetFields()["n"].GetNumberValue() == 7
	res := connect.NewResponse(&eval.ResolveBooleanResponse{Value: &value, Reason: "TARGETING_MATCH", Variant: new("on")})
	if mark := q.Header().Get(reuse.Header); mark != "" {
		res.Header().Set(reuse.Header, mark)
	}
	return res, nil
}

func (f *foreign) ResolveObject(context.Context, *connect.Request[eval.ResolveObjectRequest]) (*connect.Response[eval.ResolveObjectResponse], error) {
	object, err := structpb.NewStruct(map[string]any{"long": strings.Repeat("x", 10*lookAt)})
	return connect.NewResponse(&eval.ResolveObjectResponse{Value: object, Reason: "STATIC"}), err
}

func (f *foreign) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.versions[r.ProtoMajor]++
		f.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

func (f *foreign) asked(major int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions[major]
}

// serveForeign serves over HTTP/1.1, and over HTTP/2 if so asked, and returns the
// address and how to stop.
func serveForeign(t *testing.T, f *foreign, addr string, http2 bool) (string, func()) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.versions = make(map[int]int)
	f.mu.Unlock()
	_, handler := evaluationv2connect.NewServiceHandler(f)
	server := &http.Server{Handler: f.count(handler), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(http2)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	stop := sync.OnceFunc(func() {
		_ = server.Close()
		serving.Wait()
	})
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func connectTo(t *testing.T, cfg Config) *Client {
	t.Helper()
	cfg.KeepAlive, cfg.Least, cfg.Most = time.Minute, 10*time.Millisecond, 10*time.Millisecond
	c, err := Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// eventually waits until claim holds.
func eventually(t *testing.T, claim func() bool) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for late := time.After(20 * time.Second); !claim(); {
		select {
		case <-look.C:
		case <-late:
			t.Fatal("waited in vain")
		}
	}
}

func soon() time.Time { return time.Now().Add(20 * time.Second) }

func TestQuestionsGoByTheFastLane(t *testing.T) {
	f := &foreign{}
	addr, _ := serveForeign(t, f, "127.0.0.1:0", true)
	c := connectTo(t, Config{Address: addr})
	for range 3 {
		a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7})
		if err != nil || a.Value != true || a.Variant != "on" || a.Reusable || !a.Foreign {
			t.Errorf("the answer is %+v, %v", a, err)
		}
	}
	c.Trust("m1")
	if a, err := c.Resolve(t.Context(), soon(), Boolean, "f", nil); err != nil || a.Value != false || !a.Reusable || a.Foreign {
		t.Errorf("the marked answer is %+v, %v", a, err)
	}
	if _, err := c.Resolve(t.Context(), soon(), Boolean, "gone", nil); status.Code(err) != codes.NotFound {
		t.Errorf("a flag that is not there: %v", err)
	}
	a, err := c.Resolve(t.Context(), soon(), Object, "long", nil)
	if object, _ := a.Value.(map[string]any); err != nil || len(object["long"].(string)) != 10*lookAt {
		t.Errorf("a long answer: %v", err)
	}
	if one, two := f.asked(1), f.asked(2); one != 6 || two != 0 {
		t.Errorf("%d questions came over HTTP/1.1 and %d over HTTP/2, want 6 and none", one, two)
	}
}

func TestWhatTheFastLaneCannotCarryGoesByGRPC(t *testing.T) {
	f := &foreign{held: make(chan struct{})}
	addr, _ := serveForeign(t, f, "127.0.0.1:0", true)

	// The caller's own metadata, and options of gRPC's.
	c := connectTo(t, Config{Address: addr})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant", "a")
	if a, err := c.Resolve(ctx, soon(), Boolean, "f", map[string]any{"n": 7}); err != nil || a.Value != true {
		t.Errorf("with metadata the answer is %+v, %v", a, err)
	}
	c = connectTo(t, Config{Address: addr, DialOptions: []grpc.DialOption{grpc.WithUserAgent("mine")}})
	if a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7}); err != nil || a.Value != true {
		t.Errorf("with options the answer is %+v, %v", a, err)
	}
	if got := f.asked(1); got != 0 {
		t.Errorf("%d questions came over HTTP/1.1", got)
	}

	// More questions at once than it has room for.
	c = connectTo(t, Config{Address: addr})
	var all sync.WaitGroup
	var right atomic.Int64
	for range maxOpen + 10 {
		all.Go(func() {
			if a, err := c.Resolve(t.Context(), soon(), Boolean, "slow", map[string]any{"n": 7}); err == nil && a.Value == true {
				right.Add(1)
			}
		})
	}
	eventually(t, func() bool { return f.asked(1)+f.asked(2) == maxOpen+10+2 })
	close(f.held)
	all.Wait()
	if one := f.asked(1); right.Load() != maxOpen+10 || one > maxOpen {
		t.Errorf("%d of %d questions were answered, %d of them over HTTP/1.1", right.Load(), maxOpen+10, one)
	}
}

func TestServerThatSpeaksGRPCAloneIsTriedOnce(t *testing.T) {
	var accepted atomic.Int64
	f := &foreign{}
	addr, _ := serveForeign(t, f, "127.0.0.1:0", true)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = conn.Close() // as grpc-go does with what is no HTTP/2
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	c := connectTo(t, Config{Address: addr})
	c.lane.address = l.Addr().String()
	for range 3 {
		if a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7}); err != nil || a.Value != true {
			t.Errorf("the answer is %+v, %v", a, err)
		}
	}
	if got := accepted.Load(); got != 1 {
		t.Errorf("the fast lane was tried %d times, want once", got)
	}
	c.Trust("") // perhaps to another server
	if _, err := c.Resolve(t.Context(), soon(), Boolean, "f", nil); err != nil || accepted.Load() != 2 {
		t.Errorf("after that it was tried %d times, want twice: %v", accepted.Load(), err)
	}
}

func TestQuestionOnTheFastLaneEndsWithItsCallerAndAtItsDeadline(t *testing.T) {
	f := &foreign{held: make(chan struct{})}
	addr, _ := serveForeign(t, f, "127.0.0.1:0", true)
	c := connectTo(t, Config{Address: addr})
	if _, err := c.Resolve(t.Context(), soon(), Boolean, "f", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Resolve(t.Context(), time.Now().Add(30*time.Millisecond), Boolean, "slow", nil); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("at its deadline it ends with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	if _, err := c.Resolve(ctx, soon(), Boolean, "slow", nil); status.Code(err) != codes.Canceled {
		t.Errorf("with its caller it ends with %v", err)
	}
	// Neither leaves an answer behind for the next question.
	close(f.held)
	if a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7}); err != nil || a.Value != true {
		t.Errorf("after that the answer is %+v, %v", a, err)
	}
	if got := f.asked(2); got != 0 {
		t.Errorf("%d questions came over HTTP/2", got)
	}
}

func TestServerThatComesBackIsAskedAgain(t *testing.T) {
	f := &foreign{}
	addr, stop := serveForeign(t, f, "127.0.0.1:0", true)
	c := connectTo(t, Config{Address: addr})
	ask := func() error {
		a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7})
		if err == nil && a.Value != true {
			t.Errorf("the answer is %+v", a)
		}
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := ask(); status.Code(err) != codes.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	serveForeign(t, f, addr, true)
	eventually(t, func() bool { return ask() == nil })
	for range 3 {
		if err := ask(); err != nil {
			t.Error(err)
		}
	}
	if f.asked(1) == 0 {
		t.Error("the fast lane was not taken again")
	}
}

// Where HTTP/1.1 is swallowed, one question pays for it.
func TestLaneOnWhichNothingComesBackIsGivenUp(t *testing.T) {
	f := &foreign{}
	addr, _ := serveForeign(t, f, "127.0.0.1:0", true)
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	c := connectTo(t, Config{Address: addr})
	c.lane.address = silent.Addr().String()
	if _, err := c.Resolve(t.Context(), time.Now().Add(50*time.Millisecond), Boolean, "f", nil); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the first question ends with %v", err)
	}
	for range 3 {
		if a, err := c.Resolve(t.Context(), soon(), Boolean, "f", map[string]any{"n": 7}); err != nil || a.Value != true {
			t.Errorf("the answer is %+v, %v", a, err)
		}
	}
}

func TestHeaderThatHeadersCannotCarryIsRefused(t *testing.T) {
	for _, selector := range []string{"flagSetId=größe", "a\nb", "a\r\nX: y"} {
		cfg := Config{Address: "localhost:8013", Selector: selector}
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "selector") {
			t.Errorf("selector %q: %v, want an error", selector, err)
		}
	}
}
