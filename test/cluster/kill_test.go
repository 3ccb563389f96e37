package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

// The leader is killed at five moments of a large change: when it is about to
// be sent, while it is, and while the server tells readers of it.
func TestLeaderKilledAmidLargeChangesLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for five elections")
	}
	w := newWorld(t, 3)
	var readers []*sourcetest.Recorder
	for i, user := range []string{natstest.Checkout, natstest.Search, natstest.Billing} {
		readers = append(readers, w.follow(t, w.Nodes[i].URL(), user, user[len(natstest.Environment)+1:]))
	}
	commit(t, w.ledger, put(900, "before"))

	made := make(map[string]bool) // ids of changes whose outcome is known to be good
	for round, moment := range []struct {
		sent    time.Duration // after the plan is made; or
		arrived int           // when so many records have come to a subscriber
	}{{}, {sent: 15 * time.Millisecond}, {arrived: 1}, {arrived: 300}, {sent: 60 * time.Millisecond}} {
		text := fmt.Sprintf("round %d", round)
		leader := w.Leader(t, w.js, natstest.Environment)
		strike := w.trap(t, leader, moment.sent, moment.arrived)
		began := time.Now()
		change, err := w.ledger.Commit(t.Context(), admin.Draft{Author: "ada", Plan: func(s admin.State) ([]admin.Edit, error) {
			strike()
			return put(900, text)(s)
		}})
		took := time.Since(began)
		await(t, fmt.Sprintf("the end of the leader in %s, whose change ended with %v", text, err), func() bool { return !leader.Running() })

		unknown, _ := errors.AsType[*admin.UnknownOutcomeError](err)
		switch {
		case err == nil:
			made[change.ID] = true
		case unknown != nil:
			t.Logf("%s: the outcome is unknown: %v", text, err)
		default:
			t.Errorf("%s: %v", text, err)
		}
		leader.Start(t)
		w.settle(t, readers)
		flag, _ := w.ledger.State().Flag("", "flag-899")
		stored := string(flag.Body) == fmt.Sprintf(`{"v":%q}`, text)
		if err == nil && !stored {
			t.Errorf("%s: the change was acknowledged and is not there: the flag is %s", text, flag.Body)
		}
		if unknown != nil && stored {
			made[unknown.Change] = true
		}
		t.Logf("%s: killed %s; the change took %v, %v; it is stored: %v", text, leader.Name(), took.Round(time.Millisecond), err, stored)
	}
	for i, r := range readers {
		rises(t, fmt.Sprintf("reader %d", i), r.State().Updates)
	}
	w.audit(t, made)
}

// trap kills a node once, at a moment after the function that it returns was
// called: after a time, or when a subscriber of another node has received so
// many records.
func (w *world) trap(t *testing.T, victim *natstest.Node, after time.Duration, arrived int) (arm func()) {
	t.Helper()
	if arrived == 0 {
		return func() { time.AfterFunc(after, victim.Kill) }
	}
	var servers string
	for _, n := range w.Nodes {
		if n != victim {
			servers = n.URL()
		}
	}
	enough := make(chan struct{})
	armed := make(chan struct{})
	nc := w.Connect(t, servers, natstest.Operator)
	count := 0
	_, err := nc.Subscribe("flagline.test.changes.>", func(msg *nats.Msg) {
		if msg.Header.Get("Nats-Sequence") == "" {
			return // a beacon
		}
		if count++; count == arrived {
			close(enough)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) error {
		for _, c := range []chan struct{}{armed, enough} {
			select {
			case <-c:
			case <-ctx.Done():
				return nil
			}
		}
		victim.Kill()
		nc.Close()
		return nil
	})
	return func() { close(armed) }
}

// settle waits until the control plane knows the newest generation and all
// readers have it.
func (w *world) settle(t *testing.T, readers []*sourcetest.Recorder) {
	t.Helper()
	newest, _ := w.newest(t)
	await(t, "the control plane", func() bool { return w.ledger.State().Generation() == newest.Generation })
	if w.ledger.State().Digest() != newest.Digest {
		t.Fatalf("the control plane has digest %s, the log's head says %s", w.ledger.State().Digest(), newest.Digest)
	}
	for i, r := range readers {
		s := r.Await(t, fmt.Sprintf("reader %d", i), has(w.ledger))
		if len(s.Records) != len(w.ledger.State().Flags()) || s.Status.Err != nil {
			t.Errorf("reader %d has %d records, want %d; its status is %+v", i, len(s.Records), len(w.ledger.State().Flags()), s.Status)
		}
	}
}

// newest is the head that the leader of the stream has, and its sequence.
func (w *world) newest(t *testing.T) (head wire.Head, seq uint64) {
	t.Helper()
	await(t, "the newest head", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		s, err := w.js.Stream(ctx, "KV_flags-test")
		if err != nil {
			return false
		}
		msg, err := s.GetLastMsgForSubject(ctx, "$KV.flags-test.head")
		if err != nil {
			return false
		}
		seq = msg.Sequence
		head, err = wire.ParseHead(msg.Data)
		return err == nil
	})
	return head, seq
}

// rises checks that a reader never went back and never saw a generation twice.
func rises(t *testing.T, who string, updates []source.Update) {
	t.Helper()
	var last uint64
	for _, u := range updates {
		if u.Version.Generation <= last {
			t.Errorf("%s got generation %d after %d", who, u.Version.Generation, last)
		}
		last = u.Version.Generation
	}
}

// audit walks the stream from its first message: generations count up without
// a gap, no change is there twice, each is one run of records that a head
// closes, and every change that was made is there.
func (w *world) audit(t *testing.T, made map[string]bool) {
	t.Helper()
	var generation uint64
	open := "" // the change under way
	seen := make(map[string]bool)
	for i, msg := range w.messages(t) {
		if msg.Sequence != uint64(i)+1 {
			t.Fatalf("message %d where %d should be", msg.Sequence, i+1)
		}
		id := msg.Header.Get(wire.HeaderChange)
		if open != "" && id != open {
			t.Fatalf("a record of change %s amid change %s", id, open)
		}
		open = id
		if msg.Subject != "$KV.flags-test.head" {
			continue
		}
		head, err := wire.ParseHead(msg.Data)
		if err != nil {
			t.Fatal(err)
		}
		if head.Generation != generation+1 || head.Change != id || seen[id] {
			t.Fatalf("generation %d of change %s after %d; seen before: %v", head.Generation, id, generation, seen[id])
		}
		generation, open = head.Generation, ""
		seen[id] = true
	}
	for id := range made {
		if !seen[id] {
			t.Errorf("change %s was made and is not in the log", id)
		}
	}
}

// messages reads all that the stream holds, from whichever server answers.
func (w *world) messages(t *testing.T) (all []*jetstream.RawStreamMsg) {
	t.Helper()
	_, last := w.newest(t)
	await(t, fmt.Sprintf("all %d messages", last), func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		next, err := jetstreamext.GetBatch(ctx, w.js, "KV_flags-test", 1000, jetstreamext.GetBatchSeq(uint64(len(all))+1))
		if err != nil {
			return false
		}
		for msg, err := range next {
			if err != nil {
				return false // a server that is behind; another one is asked
			}
			all = append(all, msg)
		}
		return uint64(len(all)) >= last
	})
	return all
}

// Only the reader's node dies: the control plane goes on elsewhere, and what
// it publishes before the reader is back reaches the reader all the same.
func TestReaderOfAKilledNodeCatchesUpElsewhere(t *testing.T) {
	w := newWorld(t, 3)
	leader := w.Leader(t, w.js, natstest.Environment)
	var its *natstest.Node
	for _, n := range w.Nodes {
		if n != leader {
			its = n
		}
	}
	commit(t, w.ledger, put(10, "before"))
	r := w.follow(t, its.URL(), natstest.Checkout, "checkout")
	r.Await(t, "the flags", has(w.ledger))
	its.Kill()
	for i := range 5 {
		commit(t, w.ledger, put(10, fmt.Sprint("while it is away ", i)))
	}
	r.Await(t, "what it missed", has(w.ledger))
	commit(t, w.ledger, put(10, "after"))
	s := r.Await(t, "what is live", has(w.ledger))
	rises(t, "the reader", s.Updates)
}

func TestWhatTheControlPlaneMakesIsOnTheDisksOfThreeServers(t *testing.T) {
	w := newWorld(t, 3)
	commit(t, w.ledger, put(1, "kept"))
	list := w.js.ListStreams(t.Context())
	n := 0
	for info := range list.Info() {
		n++
		c := info.Config
		if c.Replicas != 3 || c.Storage != jetstream.FileStorage || c.MaxAge != 0 || c.MaxMsgs > 0 || c.MaxBytes > 0 {
			t.Errorf("stream %s has %d replicas in %v storage and forgets (%v, %d, %d)", c.Name, c.Replicas, c.Storage, c.MaxAge, c.MaxMsgs, c.MaxBytes)
		}
	}
	if err := list.Err(); err != nil || n == 0 {
		t.Errorf("%d streams, %v", n, err)
	}
}
