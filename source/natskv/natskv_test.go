package natskv_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

// set plans flags of the unnamed set: key, body, key, body and so on. An empty
// body removes.
func set(pairs ...string) admin.Plan {
	return func(admin.State) (edits []admin.Edit, err error) {
		for i := 0; i < len(pairs); i += 2 {
			e := admin.Edit{Key: pairs[i]}
			if pairs[i+1] != "" {
				e.Body = []byte(pairs[i+1])
			}
			edits = append(edits, e)
		}
		return edits, nil
	}
}

func started(t testing.TB) *origin {
	o := newOrigin(t)
	l, err := ledger.Open(t.Context(), o.pub, ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	o.ledger = l
	return o
}

// follow watches src until the test ends, or the returned function is called.
func follow(t *testing.T, src source.Source) (*sourcetest.Recorder, func()) {
	r := new(sourcetest.Recorder)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- src.Watch(ctx, r) }()
	ended := false
	stop := func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	}
	t.Cleanup(stop)
	return r, stop
}

func holds(pairs ...string) func(sourcetest.State) bool {
	return func(s sourcetest.State) bool {
		for i := 0; i < len(pairs); i += 2 {
			if s.Records[sourcetest.ID{Key: pairs[i]}] != pairs[i+1] {
				return false
			}
		}
		return len(s.Records) == len(pairs)/2
	}
}

func generation(s sourcetest.State) uint64 {
	if len(s.Updates) == 0 {
		return 0
	}
	return s.Updates[len(s.Updates)-1].Version.Generation
}

func TestSnapshotAnswersWhileNATSIsAway(t *testing.T) {
	o := started(t)
	dir := t.TempDir()
	o.commit(t, set("a", `1`))
	r, stop := follow(t, o.source(t, dir))
	r.Await(t, "the first flag", holds("a", `1`))
	o.commit(t, set("a", `2`, "b", `1`))
	r.Await(t, "the change", holds("a", `2`, "b", `1`))
	stop()
	stopped := time.Now()

	o.Break(t)
	r, _ = follow(t, o.source(t, dir))
	s := r.Await(t, "the snapshot", holds("a", `2`, "b", `1`))
	if s.Status.Connected || s.Status.Confirmed.IsZero() || s.Status.Confirmed.After(stopped) || generation(s) != 3 {
		t.Errorf("status is %+v at generation %d, want it not connected, at 3, and confirmed before it was stopped", s.Status, generation(s))
	}
	o.Mend(t)
	r.Await(t, "the connection", func(s sourcetest.State) bool { return s.Status.Connected })
	o.commit(t, set("b", ``))
	r.Await(t, "what came after the outage", holds("a", `2`))
}

func TestNewerStateIsPreferredToTheSnapshot(t *testing.T) {
	o := started(t)
	dir := t.TempDir()
	o.commit(t, set("a", `1`))
	r, stop := follow(t, o.source(t, dir))
	r.Await(t, "the first flag", holds("a", `1`))
	stop()
	o.commit(t, set("a", `2`))
	r, _ = follow(t, o.source(t, dir))
	if s := r.Await(t, "anything", func(s sourcetest.State) bool { return len(s.Updates) > 0 }); generation(s) != 3 {
		t.Errorf("the first update is generation %d, want the newest, 3", s.Updates[0].Version.Generation)
	}
}

func TestDamagedSnapshotIsDoneWithout(t *testing.T) {
	o := started(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "test.snapshot")
	if err := os.WriteFile(path, []byte("flagline-snapshot-1 damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("a", `1`))
	r, stop := follow(t, o.source(t, dir))
	r.Await(t, "the flag", holds("a", `1`))
	stop()
	if _, err := os.Stat(path + ".broken"); err != nil {
		t.Errorf("the damaged snapshot was not set aside: %v", err)
	}
}

func TestDirectoryThatCannotBeWrittenIsDoneWithout(t *testing.T) {
	o := started(t)
	file := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("a", `1`))
	r, stop := follow(t, o.source(t, filepath.Join(file, "below-it")))
	r.Await(t, "the flag", holds("a", `1`))
	stop()
}

// A change whose republication is lost is found without its help. The server
// is told nothing: the records are simply written while nobody republishes to
// this reader, by cutting its connection.
func TestChangesDuringAnOutageAreCaughtUp(t *testing.T) {
	o := started(t)
	link := natstest.NewLink(t, o.server)
	src, err := natskv.New(natskv.Config{Servers: link.URL(), Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("a", `1`))
	r, _ := follow(t, src)
	r.Await(t, "the flag", holds("a", `1`))

	link.Cut()
	r.Await(t, "a report of the outage", func(s sourcetest.State) bool { return !s.Status.Connected })
	o.commit(t, set("a", `2`))
	o.commit(t, set("b", `1`))
	link.Restore()
	s := r.Await(t, "both changes", holds("a", `2`, "b", `1`))
	last := s.Updates[len(s.Updates)-1]
	if last.Replace || len(s.Updates) != 2 {
		t.Errorf("%d updates, the last of which replaces everything: %v; want the difference, once", len(s.Updates), last.Replace)
	}
}

// Whoever may read can ask the server for an old record and have the answer
// delivered to all other readers.
func TestHostileReaderChangesNothing(t *testing.T) {
	o := started(t)
	o.commit(t, set("a", `1`))
	o.commit(t, set("a", `2`))
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flag", holds("a", `2`))
	before := o.ledger.State().Digest()

	enemy := natstest.Reader(t, o.server)
	log := "flagline.test.get.log"
	for _, reply := range []string{
		"flagline.test.changes.flag.=.a", "flagline.test.changes.head", "flagline.test.changes.beacon",
		"$KV.flags-test.flag.=.a", "$KV.flags-test.head",
	} {
		for _, request := range []string{
			`{"last_by_subj":"$KV.flags-test.head"}`, `{"seq":2}`, `{"seq":1,"next_by_subj":"$KV.flags-test.>","batch":1000}`,
			`{"multi_last":["$KV.flags-test.>"]}`,
		} {
			if err := enemy.PublishRequest(log, reply, []byte(request)); err != nil {
				t.Fatal(err)
			}
			if err := enemy.PublishRequest("flagline.test.get.head", reply, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, subject := range []string{"$KV.flags-test.flag.=.a", "flagline.test.changes.flag.=.a", "$JS.API.STREAM.DELETE.KV_flags-test"} {
		if err := enemy.Publish(subject, []byte(`666`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := enemy.Flush(); err != nil {
		t.Fatal(err)
	}

	o.commit(t, set("b", `1`))
	s := r.Await(t, "a change after the attack", holds("a", `2`, "b", `1`))
	if len(s.Updates) != 2 {
		t.Errorf("%d updates, want the first state and the change", len(s.Updates))
	}
	again, err := ledger.Open(t.Context(), natstest.Publisher(t, o.server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	if h, err := again.History(t.Context(), admin.HistoryQuery{}); err != nil || len(h) != 4 || h[1].Digest != before {
		t.Errorf("the log holds %d changes, %v; want the making and three of ours, with digest %s before the last", len(h), err, before)
	}
}

func TestRecordWithoutAHeadIsNotShown(t *testing.T) {
	o := started(t)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flag", holds("a", `1`))
	if _, err := o.pub.Request("$KV.flags-test.flag.=.a", []byte(`666`), nats.DefaultTimeout); err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("b", `1`))
	s := r.Await(t, "the next change", holds("a", `1`, "b", `1`))
	for _, u := range s.Updates {
		for _, rec := range u.Records {
			if string(rec.Body) == `666` {
				t.Errorf("generation %d shows the stray record", u.Version.Generation)
			}
		}
	}
}

func TestBucketMadeAnewIsFollowed(t *testing.T) {
	o := started(t)
	o.commit(t, set("a", `1`))
	made := o.ledger.State()
	r, _ := follow(t, o.Source(t))
	first := r.Await(t, "the flag", holds("a", `1`))

	o.Break(t)
	if err := os.RemoveAll(filepath.Join(o.dir, "nats", "jetstream")); err != nil {
		t.Fatal(err)
	}
	nextSecond(t) // epochs are counted in seconds
	o.Mend(t)
	s := started2(t, o)
	s.commit(t, set("b", `1`))
	after := r.Await(t, "the new log", holds("b", `1`))
	was, is := first.Updates[0].Version, after.Updates[len(after.Updates)-1].Version
	if is.Incarnation == was.Incarnation || is.Epoch <= was.Epoch {
		t.Errorf("version %+v after %+v of digest %s, want another incarnation with a higher epoch", is, was, made.Digest())
	}
}

// started2 opens the ledger of an origin anew.
func started2(t *testing.T, o *origin) *origin {
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, o.server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	o.ledger = l
	return o
}

func nextSecond(t *testing.T) {
	t.Helper()
	select {
	case <-t.Context().Done():
	case <-time.After(1100 * time.Millisecond):
	}
}

func TestOldCopyOfTheLogTakesNothingBack(t *testing.T) {
	o := started(t)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flag", holds("a", `1`))

	o.Break(t)
	streams, old := filepath.Join(o.dir, "nats", "jetstream"), t.TempDir()
	if err := os.CopyFS(old, os.DirFS(streams)); err != nil {
		t.Fatal(err)
	}
	o.Mend(t)
	o = started2(t, o)
	o.commit(t, set("a", `2`))
	r.Await(t, "the change", holds("a", `2`))

	o.Break(t)
	if err := os.RemoveAll(streams); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(streams, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	r.Await(t, "a report of the outage", func(s sourcetest.State) bool { return !s.Status.Connected })
	o.Mend(t)
	s := r.Await(t, "word that the log went back", func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(s.Status.Err.Error(), "went back")
	})
	if !holds("a", `2`)(s) {
		t.Errorf("after the log went back the flags are %v", s.Records)
	}
}

func TestInstanceTellsTheFleetHowItStands(t *testing.T) {
	o := started(t)
	reports := make(chan wire.Report, 100)
	ctx, cancel := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() {
		watching <- ledger.WatchFleet(ctx, o.pub, natstest.Environment, func(r wire.Report) { reports <- r })
	}()
	// Its subscription is there when its own message comes back.
	await(t, reports, func(r wire.Report) bool {
		if r.Instance == "probe" {
			return true
		}
		body, _ := json.Marshal(wire.Report{Instance: "probe"})
		_ = o.pub.Publish("flagline.test.fleet.probe", body)
		return false
	})

	src, err := natskv.New(natskv.Config{
		Servers: o.url, Environment: natstest.Environment, Instance: "pod-1", Service: "checkout", Version: "1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("a", `1`))
	_, stop := follow(t, src)
	o.commit(t, set("a", `2`))
	got := await(t, reports, func(r wire.Report) bool { return r.Generation == 3 })
	if got.Instance != "pod-1" || got.Service != "checkout" || got.Version != "1.2.3" || got.State != wire.StateApplied ||
		got.Digest != o.ledger.State().Digest() {
		t.Errorf("report is %+v", got)
	}
	stop()
	await(t, reports, func(r wire.Report) bool { return r.Goodbye })
	cancel()
	if err := <-watching; err != nil {
		t.Error(err)
	}
}

// await returns the first report for which ok holds. It asks ok about nothing,
// too, until something comes.
func await(t *testing.T, reports <-chan wire.Report, ok func(wire.Report) bool) wire.Report {
	t.Helper()
	deadline := time.After(sourcetest.Patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case r := <-reports:
			if ok(r) {
				return r
			}
		case <-tick.C:
			ok(wire.Report{})
		case <-deadline:
			t.Fatal("waited in vain for a report")
		}
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	for want, cfg := range map[string]natskv.Config{
		"environment": {Servers: "nats://127.0.0.1:4222", Environment: "No Such"},
		"no NATS":     {Environment: "prod"},
		"credentials": {Servers: "nats://ada:secret@127.0.0.1:4222", Environment: "prod"},
		"no such":     {Servers: "nats://127.0.0.1:4222", Environment: "prod", Credentials: "/does/not/exist"},
		"write it as": {Servers: "127.0.0.1:4222", Environment: "prod"},
	} {
		_, err := natskv.New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%+v) gives %v, want something about %q", cfg, err, want)
		}
	}
}

// Whoever sets up a reader with the wrong credential is told that it is refused,
// not merely that there is no connection.
func TestRefusedCredentialIsTold(t *testing.T) {
	o, other := newOrigin(t), newOrigin(t)
	src, err := natskv.New(natskv.Config{
		Servers: o.url, Environment: natstest.Environment, Credentials: other.server.PublisherFile(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r, _ := follow(t, src)
	r.Await(t, "word of it", func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(strings.ToLower(s.Status.Err.Error()), "authorization")
	})
}

// A connection that is open, and through which nothing comes, is noticed without
// any error, and made good when something comes again.
func TestDeadConnectionIsNoticed(t *testing.T) {
	o := started(t)
	link := natstest.NewLink(t, o.server)
	src, err := natskv.New(natskv.Config{Servers: link.URL(), Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	o.commit(t, set("a", `1`))
	r, _ := follow(t, src)
	r.Await(t, "the flag", holds("a", `1`))
	r.Await(t, "a confirmation", func(s sourcetest.State) bool { return s.Status.Connected })

	link.Freeze()
	o.commit(t, set("a", `2`))
	s := r.Await(t, "word that nothing comes", func(s sourcetest.State) bool { return !s.Status.Connected })
	if !holds("a", `1`)(s) {
		t.Errorf("the flags are %v, want those from before", s.Records)
	}
	link.Thaw()
	r.Await(t, "the change that was missed", holds("a", `2`))
}
