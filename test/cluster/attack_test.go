package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestReaderOfASingleServerCannotWrite(t *testing.T) {
	w := newWorld(t, 1)
	besiege(t, w, w.URLs(), natstest.Checkout, "search")
}

func TestReaderOfAClusterCannotWrite(t *testing.T) {
	w := newWorld(t, 3)
	leader := w.Leader(t, w.js, natstest.Environment)
	for _, n := range w.Nodes {
		if n != leader {
			besiege(t, w, n.URL(), natstest.Checkout, "search")
			return
		}
	}
}

// The leaf node keeps its own readers in check, and the server the leaf node:
// whoever has that one's credential gets no further either.
func TestReaderBehindALeafNodeCannotWrite(t *testing.T) {
	w := newWorld(t, 1)
	edge := w.StartEdge(t)
	besiege(t, w, edge.URL(), natstest.Checkout, "search")
	t.Run("as the leaf node", func(t *testing.T) { besiege(t, w, w.URLs(), natstest.AtTheEdge, "billing") })
}

// besiege does everything that a reader might try, through the server at url,
// and looks whether anything is different afterwards, to the reader called
// other as well.
func besiege(t *testing.T, w *world, url, user, other string) {
	t.Helper()
	commit(t, w.ledger, put(3, "old "+url+user))
	commit(t, w.ledger, put(3, "new "+url+user))
	elsewhere := w.open(t, w.URLs(), natstest.Elsewhere)
	commit(t, elsewhere, put(1, "secret "+url+user))
	w.addConsumer(t)

	victim := w.follow(t, url, natstest.Environment+"/"+other, other)
	victim.Await(t, "the newest flags", has(w.ledger))
	reports := w.watchFleet(t, other)
	updates := len(victim.State().Updates)
	before := w.picture(t)

	e := newEnemy(t, w, url, user, other)
	e.forbidden(t)
	e.deaf(t)
	e.tricks(t)
	e.otherEnvironment(t)
	e.checkAlive(t, w.ledger)

	if after := w.picture(t); !maps.Equal(after, before) {
		t.Errorf("the streams were\n%v\nand are now\n%v", before, after)
	}
	if s := victim.State(); len(s.Updates) != updates || s.Status.Err != nil || !has(w.ledger)(s) {
		t.Errorf("another reader had %d updates, and has %d, with status %+v at %+v", updates, len(s.Updates), s.Status, version(s))
	}
	commit(t, w.ledger, put(1, "after "+url+user))
	s := victim.Await(t, "a change after the attack", has(w.ledger))
	if len(s.Updates) != updates+1 {
		t.Errorf("another reader had %d updates, and after one change %d", updates, len(s.Updates))
	}
	if forged := reports(); len(forged) > 0 {
		t.Errorf("the control plane was told %+v", forged)
	}
}

// The attack is a real one: where whoever asks is in the account that owns the
// environments, the server itself writes the answer into them.
func TestReplySubjectWritesWhereThereIsNoOtherAccount(t *testing.T) {
	w := newWorld(t, 1)
	commit(t, w.ledger, put(1, "true"))
	before := w.picture(t)
	nc := w.Connect(t, w.URLs(), natstest.ControlPlane)
	err := nc.PublishRequest("$JS.API.STREAM.INFO.KV_flags-test", "$KV.flags-test.flag.=.flag-0", nil)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the answer in the stream", func() bool { return !maps.Equal(w.picture(t), before) })
}

// An enemy holds a reader's connection.
type enemy struct {
	nc       *nats.Conn
	other    string // another reader's name
	refused  chan string
	messages atomic.Int64
}

func newEnemy(t *testing.T, w *world, url, user, other string) *enemy {
	t.Helper()
	e := &enemy{other: other, refused: make(chan string, 1000)}
	inbox := nats.CustomInboxPrefix(wire.Inbox("checkout"))
	e.nc = w.Connect(t, url, user, inbox, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			e.refused <- err.Error()
		}
	}))
	return e
}

// awaitRefusal waits until the server has said that subject is not allowed.
func (e *enemy) awaitRefusal(t *testing.T, subject string) {
	t.Helper()
	deadline := time.After(sourcetest.Patience)
	for {
		select {
		case text := <-e.refused:
			if strings.Contains(strings.ToLower(text), `"`+strings.ToLower(subject)+`"`) {
				return
			}
		case <-deadline:
			t.Fatalf("the server did not refuse %s", subject)
		}
	}
}

// forbidden publishes what a reader must not.
func (e *enemy) forbidden(t *testing.T) {
	t.Helper()
	for _, subject := range []string{
		"$KV.flags-test.flag.=.flag-0", "$KV.flags-test.head", "$KV.flags-elsewhere.head",
		"flagline.test.changes.head", "flagline.test.changes.beacon", "flagline.test.changes.nudge",
		"flagline.test.changes.flag.=.flag-0", "flagline.test.base.index", "flagline.test.base.0",
		"flagline.test.fleet." + e.other, "flagline.test.fleet.*", "flagline.elsewhere.fleet.checkout",
		"flagline.elsewhere.get.head", "flagline.elsewhere.get.log", "flagline.elsewhere.get.base",
		"_INBOX_" + e.other + ".abc.def", "_INBOX.abc", "_R_.abc",
	} {
		e.publish(t, subject, fmt.Appendf(nil, `{"instance":%q,"generation":%d}`, e.other, forgedGeneration))
	}
	for _, stream := range []string{"KV_flags-test", "flags-test-base", "KV_flags-elsewhere"} {
		for _, call := range []string{
			"STREAM.CREATE.", "STREAM.UPDATE.", "STREAM.DELETE.", "STREAM.PURGE.", "STREAM.INFO.", "STREAM.SNAPSHOT.",
			"STREAM.RESTORE.", "STREAM.MSG.GET.", "STREAM.MSG.DELETE.", "STREAM.LEADER.STEPDOWN.", "STREAM.PEER.REMOVE.",
			"CONSUMER.LIST.", "CONSUMER.NAMES.", "DIRECT.GET.",
		} {
			e.publish(t, "$JS.API."+call+stream, request(call, stream))
		}
		for _, call := range []string{
			"CONSUMER.CREATE.%s", "CONSUMER.CREATE.%s.victim", "CONSUMER.DURABLE.CREATE.%s.victim", "CONSUMER.INFO.%s.victim",
			"CONSUMER.DELETE.%s.victim", "CONSUMER.MSG.NEXT.%s.victim", "DIRECT.GET.%s.$KV.flags-test.head",
		} {
			e.publish(t, "$JS.API."+fmt.Sprintf(call, stream), request(call, stream))
		}
	}
	for _, call := range []string{"INFO", "STREAM.LIST", "STREAM.NAMES", "ACCOUNT.PURGE.FLAGS", "META.LEADER.STEPDOWN"} {
		e.publish(t, "$JS.API."+call, nil)
	}
	e.publish(t, "$SYS.REQ.SERVER.PING", nil)
	e.publish(t, "$JS.ACK.KV_flags-test.victim.1.1.1.1.1", []byte("+TERM"))
}

// request is a hostile body for a call of the JetStream API.
func request(call, stream string) []byte {
	switch {
	case strings.HasPrefix(call, "CONSUMER"):
		return fmt.Appendf(nil, `{"stream_name":%q,"config":{"deliver_subject":"$KV.flags-test.head","ack_policy":"none","deliver_policy":"all"}}`, stream)
	case strings.HasPrefix(call, "STREAM.MSG.DELETE"):
		return []byte(`{"seq":1,"no_erase":false}`)
	case strings.HasPrefix(call, "STREAM.UPDATE"), strings.HasPrefix(call, "STREAM.CREATE"):
		return fmt.Appendf(nil, `{"name":%q,"subjects":["_INBOX_checkout.stolen"],"storage":"file"}`, stream)
	}
	return []byte(`{"last_by_subj":"$KV.flags-test.head"}`)
}

// publish sends what must be refused, with an answer to an inbox that the
// reader may listen to.
func (e *enemy) publish(t *testing.T, subject string, body []byte) {
	t.Helper()
	if err := e.nc.PublishRequest(subject, "_INBOX_checkout.answer", body); err != nil {
		t.Fatal(err)
	}
	e.awaitRefusal(t, subject)
}

// deaf subscribes to what a reader must not hear.
func (e *enemy) deaf(t *testing.T) {
	t.Helper()
	for _, subject := range []string{
		">", "*.>", "_INBOX_" + e.other + ".>", "_INBOX.>", "_INBOX_" + e.other + ".*.*", "$KV.>", "$JS.>", "_R_.>", "$SYS.>",
		"flagline.>", "flagline.*.changes.>", "flagline.elsewhere.changes.>", "flagline.test.fleet.>",
		"flagline.test.get.*", "flagline.test.base.*",
	} {
		sub, err := e.nc.Subscribe(subject, func(*nats.Msg) { e.messages.Add(1) })
		if err != nil {
			t.Fatal(err)
		}
		e.awaitRefusal(t, subject)
		sub.Unsubscribe()
	}
}

// tricks asks what a reader may ask, with reply subjects that are not for it.
func (e *enemy) tricks(t *testing.T) {
	t.Helper()
	questions := []struct{ subject, body string }{
		{"flagline.test.get.head", ``},
		{"flagline.test.get.log", `{"last_by_subj":"$KV.flags-test.head"}`},
		{"flagline.test.get.log", `{"seq":2}`},
		{"flagline.test.get.log", `{"seq":1,"next_by_subj":"$KV.flags-test.>","batch":1000}`},
		{"flagline.test.get.log", `{"multi_last":["$KV.flags-test.>"],"batch":1000}`},
		{"flagline.test.get.log", `nonsense`},
		{"flagline.test.get.base", `{"multi_last":["flagline.test.base.>"]}`},
		{"flagline.test.get.info", ``},
		{"flagline.test.fleet.checkout", fmt.Sprintf(`{"instance":%q,"generation":%d}`, e.other, forgedGeneration)},
	}
	for _, reply := range []string{
		"$KV.flags-test.head", "$KV.flags-test.flag.=.flag-0", "$KV.flags-elsewhere.head", "$KV.flags-elsewhere.flag.=.flag-0",
		"flagline.test.changes.head", "flagline.test.changes.flag.=.flag-0", "flagline.test.changes.beacon",
		"flagline.test.changes.nudge", "flagline.elsewhere.changes.head", "flagline.elsewhere.changes.beacon",
		"flagline.test.base.index", "flagline.test.base.0", "flagline.test.fleet." + e.other, "flagline.test.get.log",
		"flagline.elsewhere.get.log", "_INBOX_" + e.other + ".abc", "$JS.API.STREAM.DELETE.KV_flags-test",
		"$JS.API.STREAM.PURGE.KV_flags-test", "$JS.API.CONSUMER.DELETE.KV_flags-test.victim",
		"$JS.ACK.KV_flags-test.victim.1.1.1.1.1",
	} {
		for _, q := range questions {
			if err := e.nc.PublishRequest(q.subject, reply, []byte(q.body)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := e.nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// otherEnvironment asks for what is elsewhere where a reader may ask.
func (e *enemy) otherEnvironment(t *testing.T) {
	t.Helper()
	for _, body := range []string{
		`{"last_by_subj":"$KV.flags-elsewhere.head"}`, `{"seq":1,"next_by_subj":"$KV.flags-elsewhere.>","batch":10}`,
		`{"multi_last":["$KV.flags-elsewhere.>"]}`, `{"seq":1,"stream":"KV_flags-elsewhere","stream_name":"KV_flags-elsewhere"}`,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
		msg, err := e.nc.RequestWithContext(ctx, "flagline.test.get.log", []byte(body))
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if strings.Contains(string(msg.Data), "secret") || msg.Header.Get("Nats-Stream") == "KV_flags-elsewhere" {
			t.Errorf("%s tells of another environment: %v %s", body, msg.Header, msg.Data)
		}
	}
}

// checkAlive shows that the enemy was connected and could ask all along: else
// nothing was tried.
func (e *enemy) checkAlive(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	msg, err := e.nc.RequestWithContext(ctx, "flagline.test.get.head", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(msg.Data), l.State().Digest()) {
		t.Errorf("the enemy reads head %s, want digest %s", msg.Data, l.State().Digest())
	}
	if n := e.messages.Load(); n > 0 {
		t.Errorf("the enemy heard %d messages that were not for it", n)
	}
}

// What the control plane is allowed, it needs: every test here fails if the
// server refuses it anything. What it does not need, it is not allowed.
func TestControlPlaneCannotTakeAStreamAway(t *testing.T) {
	w := newWorld(t, 1)
	commit(t, w.ledger, put(1, "kept"))
	w.addConsumer(t)
	before := w.picture(t)
	e := newEnemy(t, w, w.URLs(), natstest.ControlPlane, "")
	for _, stream := range []string{"KV_flags-test", "flags-test-base", "KV_flags-elsewhere"} {
		for _, call := range []string{
			"STREAM.UPDATE.", "STREAM.DELETE.", "STREAM.PURGE.", "STREAM.SNAPSHOT.", "STREAM.RESTORE.",
			"STREAM.MSG.DELETE.", "STREAM.LEADER.STEPDOWN.", "STREAM.PEER.REMOVE.", "CONSUMER.CREATE.",
		} {
			e.publish(t, "$JS.API."+call+stream, request(call, stream))
		}
		e.publish(t, "$JS.API.CONSUMER.DELETE."+stream+".victim", nil)
	}
	for _, subject := range []string{
		"$JS.API.STREAM.CREATE.other", "$JS.API.ACCOUNT.PURGE.FLAGS", "$KV.flags-another.head", "flagline.test.fleet.checkout",
	} {
		e.publish(t, subject, nil)
	}
	if after := w.picture(t); !maps.Equal(after, before) {
		t.Errorf("the streams were\n%v\nand are now\n%v", before, after)
	}
}

// addConsumer adds one that an enemy might delete.
func (w *world) addConsumer(t *testing.T) {
	t.Helper()
	_, err := w.js.CreateOrUpdateConsumer(t.Context(), "KV_flags-test",
		jetstream.ConsumerConfig{Durable: "victim", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
}

// picture shows everything that the account of the environments holds.
func (w *world) picture(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	list := w.js.ListStreams(t.Context())
	for info := range list.Info() {
		cfg, err := json.Marshal(info.Config)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Config.Name] = fmt.Sprintf("messages %d to %d, %d deleted, created %v, %s",
			info.State.FirstSeq, info.State.LastSeq, info.State.NumDeleted, info.Created, cfg)
		s, err := w.js.Stream(t.Context(), info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		consumers := s.ListConsumers(t.Context())
		for c := range consumers.Info() {
			all[info.Config.Name+" "+c.Name] = fmt.Sprintf("created %v, delivered %v, acknowledged %v", c.Created, c.Delivered.Stream, c.AckFloor.Stream)
		}
		if err := consumers.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// watchFleet returns a function that tells which reports came, until one of
// reader did, that no reader can have sent.
func (w *world) watchFleet(t *testing.T, reader string) func() []wire.Report {
	t.Helper()
	nc := w.Connect(t, w.URLs(), natstest.ControlPlane)
	reports := make(chan wire.Report, 1000)
	background(t, func(ctx context.Context) error {
		return ledger.WatchFleet(ctx, nc, natstest.Environment, func(r wire.Report) { reports <- r })
	})
	return func() (forged []wire.Report) {
		heard := false
		await(t, "a report of the reader", func() bool {
			for len(reports) > 0 {
				r := <-reports
				heard = heard || r.Instance == reader
				if r.Generation == forgedGeneration || r.Instance != "search" && r.Instance != "billing" {
					forged = append(forged, r)
				}
			}
			return heard
		})
		return forged
	}
}

// forgedGeneration is one that no test reaches.
const forgedGeneration = 987_654

func version(s sourcetest.State) (v struct {
	Generation uint64
	Digest     string
},
) {
	if n := len(s.Updates); n > 0 {
		v.Generation, v.Digest = s.Updates[n-1].Version.Generation, s.Updates[n-1].Version.Digest
	}
	return v
}
