package evalrpc_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v1/evaluationv1connect"
	"buf.build/gen/go/open-feature/flagd/connectrpc/go/flagd/evaluation/v2/evaluationv2connect"
	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/evalrpc"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// An event is one message of either version's stream.
type event interface {
	GetType() string
	GetData() *structpb.Struct
}

// subscribe opens a stream of version 2 and returns how to take the next event.
func subscribe(t *testing.T, p protocol, address, selector string) (next func() event) {
	t.Helper()
	client := evaluationv2connect.NewServiceClient(p.client(t), address, p.options...)
	req := connect.NewRequest(&evalv2.EventStreamRequest{})
	req.Header().Set(scope.Header, selector)
	stream, err := client.EventStream(streamContext(t), req)
	if err != nil {
		t.Fatalf("open a stream over %s: %v", p.name, err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return func() event {
		t.Helper()
		if !stream.Receive() {
			t.Fatalf("the stream over %s ended: %v", p.name, stream.Err())
		}
		return stream.Msg()
	}
}

// streamContext bounds a test that would otherwise wait for ever.
func streamContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func expect(t *testing.T, got event, kind string, data map[string]any) {
	t.Helper()
	if got.GetType() != kind || !reflect.DeepEqual(got.GetData().AsMap(), data) {
		t.Fatalf("event is %s %v, want %s %v", got.GetType(), got.GetData().AsMap(), kind, data)
	}
}

const (
	one = `{"flags":{"a":{"state":"ENABLED","variants":{"x":1},"defaultVariant":"x"},
		"b":{"state":"ENABLED","variants":{"x":1},"defaultVariant":"x"}}}`
	two = `{"flags":{"a":{"state":"ENABLED","variants":{"x":2},"defaultVariant":"x"},
		"c":{"state":"ENABLED","variants":{"x":1},"defaultVariant":"x"}}}`
)

func changes(kinds map[string]string) map[string]any {
	flags := map[string]any{}
	for key, kind := range kinds {
		flags[key] = map[string]any{"type": kind}
	}
	return map[string]any{"flags": flags}
}

func TestStreamIsReadyFirstAndThenTellsWhatChanged(t *testing.T) {
	for _, p := range protocols() {
		t.Run(p.name, func(t *testing.T) {
			st, sink := flagtest.Store(t, one)
			next := subscribe(t, p, serve(t, &evalrpc.Service{Store: st}), "")
			expect(t, next(), "provider_ready", map[string]any{})
			flagtest.Deliver(t, sink, 2, two)
			expect(t, next(), "configuration_change",
				changes(map[string]string{"a": "update", "b": "delete", "c": "write"}))
		})
	}
}

// A client that is told to ask before the flags are there would be told that
// they do not exist.
func TestStreamIsNotReadyBeforeTheFlagsAre(t *testing.T) {
	st := store.New()
	first, second := st.Add("first.json"), st.Add("second.json")
	address := serve(t, &evalrpc.Service{Store: st})
	ready := make(chan event, 2)
	go func() {
		next := subscribe(t, protocols()[0], address, "")
		ready <- next()
		ready <- next()
	}()
	flagtest.Deliver(t, first, 1, one)
	select {
	case e := <-ready:
		t.Fatalf("event %s before the second source has delivered", e.GetType())
	case <-time.After(50 * time.Millisecond): // longer than the message would take
	}
	flagtest.Deliver(t, second, 1, `{"flags":{}}`)
	expect(t, <-ready, "provider_ready", map[string]any{})
	flagtest.Deliver(t, first, 2, two)
	expect(t, <-ready, "configuration_change", changes(map[string]string{"a": "update", "b": "delete", "c": "write"}))
}

func TestStreamIsSilentAboutWhatDidNotChange(t *testing.T) {
	st, sink := flagtest.Store(t, one)
	next := subscribe(t, protocols()[0], serve(t, &evalrpc.Service{Store: st}), "")
	expect(t, next(), "provider_ready", map[string]any{})
	flagtest.Deliver(t, sink, 2, one)
	flagtest.Deliver(t, sink, 3, two)
	expect(t, next(), "configuration_change",
		changes(map[string]string{"a": "update", "b": "delete", "c": "write"}))
}

func TestStreamSeesOnlyWhatItsSelectorShows(t *testing.T) {
	st, sink := flagtest.Store(t, one)
	other := st.Add("other.json")
	flagtest.Deliver(t, other, 1, `{"flags":{}}`)
	next := subscribe(t, protocols()[0], serve(t, &evalrpc.Service{Store: st}), "source=other.json")
	expect(t, next(), "provider_ready", map[string]any{})
	flagtest.Deliver(t, sink, 2, two)
	flagtest.Deliver(t, other, 2, one)
	expect(t, next(), "configuration_change", changes(map[string]string{"a": "write", "b": "write"}))
}

func TestStreamWithABadSelectorIsRefused(t *testing.T) {
	st, _ := flagtest.Store(t, one)
	client := evaluationv2connect.NewServiceClient(protocols()[0].client(t), serve(t, &evalrpc.Service{Store: st}))
	req := connect.NewRequest(&evalv2.EventStreamRequest{})
	req.Header().Set(scope.Header, "owner=me")
	stream, err := client.EventStream(streamContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Close() }()
	if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeInvalidArgument {
		t.Errorf("the stream says %v, %v, want invalid_argument", stream.Msg(), stream.Err())
	}
}

func TestSilentStreamSaysThatItIsAlive(t *testing.T) {
	st, _ := flagtest.Store(t, one)
	next := subscribe(t, protocols()[0], serve(t, &evalrpc.Service{Store: st, KeepAlive: time.Millisecond}), "")
	expect(t, next(), "provider_ready", map[string]any{})
	expect(t, next(), "keep_alive", map[string]any{})
	expect(t, next(), "keep_alive", map[string]any{})
}

func TestClosingEndsStreamsOfBothVersionsWithAWord(t *testing.T) {
	st, _ := flagtest.Store(t, one)
	closing := make(chan struct{})
	address := serve(t, &evalrpc.Service{Store: st, Closing: closing})
	v2 := evaluationv2connect.NewServiceClient(protocols()[2].client(t), address, connect.WithGRPC())
	second, err := v2.EventStream(streamContext(t), connect.NewRequest(&evalv2.EventStreamRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	v1 := evaluationv1connect.NewServiceClient(protocols()[2].client(t), address, connect.WithGRPC())
	first, err := v1.EventStream(streamContext(t), connect.NewRequest(&evalv1.EventStreamRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	endsWithAWord(t, closing, first, second)
}

func endsWithAWord(
	t *testing.T, closing chan struct{},
	first *connect.ServerStreamForClient[evalv1.EventStreamResponse],
	second *connect.ServerStreamForClient[evalv2.EventStreamResponse],
) {
	t.Helper()
	if !first.Receive() || !second.Receive() {
		t.Fatalf("the streams ended early: %v, %v", first.Err(), second.Err())
	}
	close(closing)
	if !first.Receive() || first.Msg().GetType() != "provider_shutdown" {
		t.Errorf("v1 says %v, %v, want provider_shutdown", first.Msg(), first.Err())
	}
	if !second.Receive() || second.Msg().GetType() != "provider_shutdown" {
		t.Errorf("v2 says %v, %v, want provider_shutdown", second.Msg(), second.Err())
	}
	// Clients that keep away after an ordinary end come back after this one.
	if first.Receive() || connect.CodeOf(first.Err()) != connect.CodeUnavailable ||
		second.Receive() || connect.CodeOf(second.Err()) != connect.CodeUnavailable {
		t.Errorf("after the last word: %v, %v, want unavailable", first.Err(), second.Err())
	}
}
