//go:build unix

package outage_test

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

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	evaluationv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evaluationv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"
)

// A foreign server speaks flagd's protocol by the handlers that are generated for
// connect-go, and knows what a server of flagd's knows: the flag "number", which is
// static, and "mine", which depends on the context.
type foreign struct {
	address string
	number  atomic.Int64
	delay   time.Duration // of each answer
	stream  streaming

	asked   atomic.Int64 // answers that were begun
	streams atomic.Int64 // event streams that were opened
	news    sync.Map     // of chan struct{}: the streams that hear of changes
	stop    func()
}

// streaming is what becomes of event streams.
type streaming int

const (
	proper streaming = iota
	endsAtOnce
	failsAtOnce
	endsWhenReady
	saysNothing
	isMissing
)

// versions are those of the protocol.
type versions struct{ one, two bool }

// serveForeign serves at address, or at any if that is "", until the test ends.
func serveForeign(t testing.TB, address string, v versions, f *foreign) *foreign {
	t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	var l net.Listener
	eventually(t, "the address of a foreign server", func() string {
		var err error
		if l, err = net.Listen("tcp", address); err != nil {
			return err.Error()
		}
		return ""
	})
	mux := http.NewServeMux()
	if v.one {
		mux.Handle(evaluationv1connect.NewServiceHandler(foreignV1{f: f}))
	}
	if v.two {
		mux.Handle(evaluationv2connect.NewServiceHandler(foreignV2{f: f}))
	}
	s := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: patience}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	f.address = l.Addr().String()
	f.stop = sync.OnceFunc(func() {
		_ = s.Close() // with what goes on
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(f.stop)
	return f
}

// set changes both flags and tells of it.
func (f *foreign) set(n int64) {
	f.number.Store(n)
	f.news.Range(func(news, _ any) bool {
		news.(chan struct{}) <- struct{}{}
		return true
	})
}

func (f *foreign) answer(flag string, ec *structpb.Struct) (value int64, reason string, err error) {
	f.asked.Add(1)
	value = f.number.Load()
	if f.delay > 0 {
		pause(f.delay)
	}
	switch {
	case flag == "number":
		return value, "STATIC", nil
	case strings.HasPrefix(flag, "mine"):
		if ec.GetFields()["tier"].GetStringValue() == "gold" {
			value *= 10
		}
		return value, "TARGETING_MATCH", nil
	}
	return 0, "", connect.NewError(connect.CodeNotFound, errors.New("FLAG_NOT_FOUND"))
}

// events says what an event stream says, through send.
func (f *foreign) events(ctx context.Context, send func(kind string, data *structpb.Struct) error) error {
	f.streams.Add(1)
	news := make(chan struct{}, 100)
	f.news.Store(news, true)
	defer f.news.Delete(news)
	switch f.stream {
	case endsAtOnce:
		return nil
	case failsAtOnce:
		return connect.NewError(connect.CodeUnavailable, errors.New("no upstream"))
	case isMissing:
		return connect.NewError(connect.CodeUnimplemented, errors.New("no events here"))
	case endsWhenReady:
		return send("provider_ready", nil)
	case saysNothing:
		<-ctx.Done()
		return nil
	}
	if err := send("provider_ready", nil); err != nil {
		return err
	}
	changed, err := structpb.NewStruct(map[string]any{"flags": map[string]any{
		"number": map[string]any{"type": "update"}, "mine": map[string]any{"type": "update"},
	}})
	for err == nil {
		select {
		case <-news:
			err = send("configuration_change", changed)
		case <-ctx.Done():
			return nil
		}
	}
	return err
}

type foreignV2 struct {
	evaluationv2connect.UnimplementedServiceHandler

	f *foreign
}

func (s foreignV2) ResolveInt(
	_ context.Context, r *connect.Request[evaluationv2.ResolveIntRequest],
) (*connect.Response[evaluationv2.ResolveIntResponse], error) {
	value, reason, err := s.f.answer(r.Msg.GetFlagKey(), r.Msg.GetContext())
	variant := "v2"
	return connect.NewResponse(&evaluationv2.ResolveIntResponse{Value: &value, Variant: &variant, Reason: reason}), err
}

func (s foreignV2) EventStream(
	ctx context.Context, _ *connect.Request[evaluationv2.EventStreamRequest], stream *connect.ServerStream[evaluationv2.EventStreamResponse],
) error {
	return s.f.events(ctx, func(kind string, data *structpb.Struct) error {
		return stream.Send(&evaluationv2.EventStreamResponse{Type: kind, Data: data})
	})
}

type foreignV1 struct {
	evaluationv1connect.UnimplementedServiceHandler

	f *foreign
}

func (s foreignV1) ResolveInt(
	_ context.Context, r *connect.Request[evaluationv1.ResolveIntRequest],
) (*connect.Response[evaluationv1.ResolveIntResponse], error) {
	value, reason, err := s.f.answer(r.Msg.GetFlagKey(), r.Msg.GetContext())
	return connect.NewResponse(&evaluationv1.ResolveIntResponse{Value: value, Variant: "v1", Reason: reason}), err
}

func (s foreignV1) EventStream(
	ctx context.Context, _ *connect.Request[evaluationv1.EventStreamRequest], stream *connect.ServerStream[evaluationv1.EventStreamResponse],
) error {
	return s.f.events(ctx, func(kind string, data *structpb.Struct) error {
		return stream.Send(&evaluationv1.EventStreamResponse{Type: kind, Data: data})
	})
}
