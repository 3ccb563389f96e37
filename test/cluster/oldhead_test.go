package cluster_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

// For a while two of three questions for the head are answered by somebody who
// has an older one, as a replica does that is behind: the stream's own answers
// are switched off.
func TestOldHeadIsNoRegression(t *testing.T) {
	server := natstest.Start(t)
	nc := natstest.Publisher(t, server)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, l, put(1, "old"))
	stream, err := js.Stream(t.Context(), "KV_flags-test")
	if err != nil {
		t.Fatal(err)
	}
	old, err := stream.GetLastMsgForSubject(t.Context(), "$KV.flags-test.head")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, l, put(1, "new"))
	current, err := stream.GetLastMsgForSubject(t.Context(), "$KV.flags-test.head")
	if err != nil {
		t.Fatal(err)
	}

	link := natstest.NewLink(t, server)
	src, err := natskv.New(natskv.Config{Servers: link.URL(), Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	background(t, func(ctx context.Context) error { return src.Watch(ctx, r) })
	r.Await(t, "the newest flags", has(l))
	updates := len(r.State().Updates)

	config := stream.CachedInfo().Config
	config.AllowDirect = false
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	sub, err := nc.Subscribe("$JS.API.DIRECT.GET.KV_flags-test.$KV.flags-test.head", func(msg *nats.Msg) {
		head := old
		if asked.Add(1)%3 == 0 {
			head = current
		}
		answer := nats.NewMsg(msg.Reply)
		answer.Data = head.Data
		answer.Header.Set("Nats-Stream", "KV_flags-test")
		answer.Header.Set("Nats-Subject", head.Subject)
		answer.Header.Set("Nats-Sequence", strconv.FormatUint(head.Sequence, 10))
		answer.Header.Set("Nats-Time-Stamp", head.Time.Format(time.RFC3339Nano))
		_ = msg.RespondMsg(answer)
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		link.Cut()
		r.Await(t, "the end of the connection", func(s sourcetest.State) bool { return !s.Status.Connected })
		until := asked.Load() + 3
		link.Restore()
		await(t, "three questions", func() bool { return asked.Load() >= until })
		s := r.Await(t, "the connection", func(s sourcetest.State) bool { return s.Status.Connected })
		if len(s.Updates) != updates || s.Status.Err != nil || !has(l)(s) {
			t.Errorf("after old heads the reader has %d updates, %d before, and the status %+v", len(s.Updates), updates, s.Status)
		}
	}

	sub.Unsubscribe()
	config.AllowDirect = true
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	commit(t, l, put(1, "newest"))
	r.Await(t, "the next change", has(l))
}
