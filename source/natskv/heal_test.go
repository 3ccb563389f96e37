package natskv

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source/sourcetest"
)

// Each of these tests takes from a reader all ways to notice a change but one.

// patience is longer than any of what is waited for, and shorter than what
// would notice it in its place.
const patience = 10 * time.Second

// A world is an environment with one flag, and a reader of it.
type world struct {
	pub    *nats.Conn
	ledger *ledger.Ledger
	seen   *sourcetest.Recorder
}

// newWorld has the reader connect to url, and look at its own pace.
func newWorld(t *testing.T, server *natsd.Server, url string, p pace) *world {
	t.Helper()
	w := &world{pub: natstest.Publisher(t, server), seen: new(sourcetest.Recorder)}
	var err error
	w.ledger, err = ledger.Open(t.Context(), w.pub, ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, `1`)
	src, err := New(Config{Servers: url, Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	src.pace = p
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- src.Watch(ctx, w.seen) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
	w.await(t, `1`)
	return w
}

func (w *world) put(t *testing.T, body string) {
	t.Helper()
	_, err := w.ledger.Commit(t.Context(), admin.Draft{Author: "ada", Plan: func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: "a", Body: []byte(body)}}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until the flag is body.
func (w *world) await(t *testing.T, body string) {
	t.Helper()
	w.awaitThat(t, "flag a to be "+body, func(s sourcetest.State) bool {
		return s.Records[sourcetest.ID{Key: "a"}] == body
	})
}

func (w *world) awaitThat(t *testing.T, what string, ok func(sourcetest.State) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok(w.seen.State()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// republish has the server send on only what is stored under subject, and
// nothing if that is "": as a leader does that dies after it has stored a change.
func (w *world) republish(t *testing.T, subject string) {
	t.Helper()
	js, err := jetstream.New(w.pub)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "KV_flags-test")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.RePublish = nil
	if subject != "" {
		cfg.RePublish = &jetstream.RePublish{Source: subject, Destination: strings.Replace(subject, "$KV.flags-test", "flagline.test.changes", 1)}
	}
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestLostChangeIsFoundByLookingNowAndThen(t *testing.T) {
	server := natstest.Start(t)
	w := newWorld(t, server, server.URL(), pace{heard: 50 * time.Millisecond, alone: 50 * time.Millisecond})
	w.republish(t, "")
	w.put(t, `2`)
	w.await(t, `2`)
}

func TestLostChangeIsFoundByABeacon(t *testing.T) {
	server := natstest.Start(t)
	w := newWorld(t, server, server.URL(), pace{heard: time.Hour, alone: time.Hour})
	w.republish(t, "")
	w.put(t, `2`)
	now, err := lastHead(w.pub)
	if err != nil {
		t.Fatal(err)
	}
	body, err := wire.Beacon{
		Protocol: wire.Protocol, Incarnation: now.Incarnation, Epoch: now.Epoch,
		Generation: now.Generation, Digest: now.Digest, Time: time.Now().UTC(),
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pub.Publish("flagline.test.changes.beacon", body); err != nil {
		t.Fatal(err)
	}
	w.await(t, `2`)
}

func TestChangeDuringAnOutageIsFoundByReconnecting(t *testing.T) {
	server := natstest.Start(t)
	link := natstest.NewLink(t, server)
	w := newWorld(t, server, link.URL(), pace{heard: time.Hour, alone: time.Hour})
	link.Cut()
	w.awaitThat(t, "a report of the outage", func(s sourcetest.State) bool { return !s.Status.Connected })
	w.put(t, `2`)
	link.Restore()
	w.await(t, `2`)
}

func TestGapIsFoundByWaitingForIt(t *testing.T) {
	server := natstest.Start(t)
	w := newWorld(t, server, server.URL(), pace{heard: time.Hour, alone: time.Hour})
	// Of the change, only the head is sent on.
	w.republish(t, "$KV.flags-test.head")
	w.put(t, `2`)
	w.await(t, `2`)
}

func lastHead(nc *nats.Conn) (wire.Head, error) {
	msg, err := nc.Request("$JS.API.DIRECT.GET.KV_flags-test.$KV.flags-test.head", nil, nats.DefaultTimeout)
	if err != nil {
		return wire.Head{}, err
	}
	return wire.ParseHead(msg.Data)
}
