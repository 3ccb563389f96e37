package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/signing"
)

// past is the history of an environment, as it is read for a backup.
func past(t *testing.T, nc *nats.Conn) iter.Seq2[*replica.Step, error] {
	t.Helper()
	return journal.Whole(t.Context(), natslog.Owner(nc, natstest.Environment))
}

// flagKeys makes flags of the set "web".
func flagKeys(from, to int) admin.Plan {
	return func(admin.State) (edits []admin.Edit, err error) {
		for i := from; i < to; i++ {
			edits = append(edits, admin.Edit{Set: "web", Key: fmt.Sprintf("flag-%d", i), Body: fmt.Appendf(nil, `{"v":%d}`, i)})
		}
		return edits, nil
	}
}

// eventful fills an environment with everything that can stand in a log.
func eventful(t *testing.T, nc *nats.Conn) *ledger.Ledger {
	t.Helper()
	l := open(t, nc)
	commit(t, l, put("a", `{"v":1}`))
	commit(t, l, flagKeys(0, 2500)) // in three parts
	for _, key := range []string{"flag.=.a", "nonsense", "head"} {
		if _, err := nc.Request("$KV.flags-test."+key, []byte(`{"v":666}`), nats.DefaultTimeout); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, l, put("a", `{"v":2}`))
	commit(t, l, func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Set: "web", Key: "flag-7"}, {Set: "web", Settings: true, Body: []byte(`{"$evaluators":{}}`)}}, nil
	})
	return l
}

func history(t *testing.T, l *ledger.Ledger) []admin.Change {
	t.Helper()
	all, err := l.History(t.Context(), admin.HistoryQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRestoredEnvironmentTellsTheSameHistory(t *testing.T) {
	source := natstest.Publisher(t, natstest.Start(t))
	was := eventful(t, source)
	nc := natstest.Publisher(t, natstest.Start(t)) // another server, which knows nothing
	made, err := ledger.Restore(t.Context(), nc, ledger.RestoreConfig{
		Environment: natstest.Environment, Epoch: 1 << 40, Author: "bob", Reason: "after the fire",
	}, past(t, source))
	if err != nil {
		t.Fatal(err)
	}
	is := open(t, nc)
	if made.Epoch != 1<<40+1 || made.Digest != was.State().Digest() || is.State().Digest() != made.Digest {
		t.Errorf("restored is %+v; the ledger reads %s, where %s was", made, is.State().Digest(), was.State().Digest())
	}
	before, after := history(t, was), history(t, is)
	if len(after) != len(before)+1 || made.Changes != len(after) || made.Generation != after[0].Generation {
		t.Fatalf("%d changes where there were %d; %+v", len(after), len(before), made)
	}
	if told := after[0]; told.Author != "bob" || told.Reason != "after the fire" || len(told.Flags) != 0 {
		t.Errorf("the restoration is told as %+v", told)
	}
	if !reflect.DeepEqual(after[1:], before) {
		t.Errorf("history is\n%+v\nwant\n%+v", after[1:], before)
	}
	for generation := uint64(1); generation <= made.Generation; generation++ {
		a, _, err := was.FlagAt(t.Context(), "", "a", generation)
		if err != nil {
			t.Fatal(err)
		}
		if b, _, err := is.FlagAt(t.Context(), "", "a", generation); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("at generation %d the flag was %+v and is %+v, %v", generation, a, b, err)
		}
	}
	commit(t, is, put("a", `{"v":3}`))
}

func TestEnvironmentThatHoldsAnythingIsNotRestoredUnasked(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	source := natstest.Publisher(t, natstest.Start(t))
	good := open(t, source)
	commit(t, good, put("a", `{"v":"good"}`))
	l := open(t, nc)
	cfg := ledger.RestoreConfig{Environment: natstest.Environment, Author: "bob"}
	if _, err := ledger.Restore(t.Context(), nc, cfg, past(t, source)); err != nil {
		t.Fatalf("into an environment that was only made: %v", err)
	}

	commit(t, l, put("a", `{"v":"bad"}`)) // the ledger follows the new incarnation by itself
	_, err := ledger.Restore(t.Context(), nc, cfg, past(t, source))
	if exists, ok := errors.AsType[*admin.ExistsError](err); !ok || !strings.Contains(exists.Error(), "it is at generation 4") {
		t.Fatalf("%v; want it refused", err)
	}
	if f, _ := open(t, nc).State().Flag("", "a"); string(f.Body) != `{"v":"bad"}` {
		t.Errorf("a restoration that was refused left %s", f.Body)
	}
	cfg.Replace = true
	if _, err := ledger.Restore(t.Context(), nc, cfg, past(t, source)); err != nil {
		t.Fatal(err)
	}
	if f, _ := open(t, nc).State().Flag("", "a"); string(f.Body) != `{"v":"good"}` {
		t.Errorf("restored is %s", f.Body)
	}
}

func TestRestoredStateAloneRemembersNobody(t *testing.T) {
	source := natstest.Publisher(t, natstest.Start(t))
	was := eventful(t, source)
	nc := natstest.Publisher(t, natstest.Start(t))
	made, err := ledger.Restore(t.Context(), nc, ledger.RestoreConfig{
		Environment: natstest.Environment, Author: "privacy officer", Reason: "erasure", StateOnly: true,
	}, past(t, source))
	if err != nil {
		t.Fatal(err)
	}
	is := open(t, nc)
	if is.State().Digest() != was.State().Digest() || is.State().Generation() != 1 || made.Changes != 1 {
		t.Errorf("restored is %+v", made)
	}
	if h := history(t, is); len(h) != 1 || h[0].Author != "privacy officer" {
		t.Errorf("history is %+v", h)
	}
	for step, err := range past(t, nc) {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range step.Records {
			if r.Author != "privacy officer" || r.Reason != "erasure" || r.Body == nil {
				t.Fatalf("the log holds %+v", r)
			}
		}
	}
}

// What a reader has is the old state or the restored one, whatever happens in
// between.
func TestRestorationThatBreaksOffIsNeverSeen(t *testing.T) {
	server := natstest.Start(t)
	nc := natstest.Publisher(t, server)
	source := natstest.Publisher(t, natstest.Start(t))
	was := eventful(t, source)
	reader := natslog.Reader(natstest.Reader(t, server), natstest.Environment)

	gone := errors.New("the file cannot be read any more")
	breaks := func(yield func(*replica.Step, error) bool) {
		for step, err := range past(t, source) {
			if step != nil && step.State.Generation() == 4 {
				yield(nil, gone)
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if head, _, err := reader.Head(ctx); err == nil {
				t.Errorf("a reader sees generation %d", head.Generation)
			}
			cancel()
			if !yield(step, err) {
				return
			}
		}
	}
	cfg := ledger.RestoreConfig{Environment: natstest.Environment, Author: "bob"}
	if _, err := ledger.Restore(t.Context(), nc, cfg, breaks); !errors.Is(err, gone) {
		t.Fatalf("%v; want it broken off", err)
	}
	if _, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: natstest.Environment}); err == nil || !strings.Contains(err.Error(), "being restored") {
		t.Errorf("a control plane opens half an environment: %v", err)
	}
	if _, err := ledger.Restore(t.Context(), nc, cfg, past(t, source)); err != nil {
		t.Fatal(err)
	}
	head, _, err := reader.Head(t.Context())
	if err != nil || head.Digest != was.State().Digest() {
		t.Errorf("a reader sees generation %d with digest %s, %v", head.Generation, head.Digest, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "KV_flags-test")
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	if !c.AllowDirect || !c.AllowAtomicPublish || !c.DenyDelete || !c.DenyPurge || c.RePublish == nil || c.Metadata["flagline-restoring"] != "" {
		t.Errorf("the stream is %+v", c)
	}
}

func TestRestorationIsSigned(t *testing.T) {
	secret, trusted, err := signing.NewKey(false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, trust := filepath.Join(dir, "key"), filepath.Join(dir, "trusted")
	if err := errors.Join(os.WriteFile(key, secret, 0o600), os.WriteFile(trust, []byte(trusted), 0o600)); err != nil {
		t.Fatal(err)
	}
	source := natstest.Publisher(t, natstest.Start(t))
	commit(t, open(t, source), put("a", `{"v":1}`))
	nc := natstest.Publisher(t, natstest.Start(t))
	if _, err := ledger.Restore(t.Context(), nc, ledger.RestoreConfig{
		Environment: natstest.Environment, Author: "bob", SigningKeys: []string{key},
	}, past(t, source)); err != nil {
		t.Fatal(err)
	}
	keys, err := signing.ReadTrust(trust)
	if err != nil {
		t.Fatal(err)
	}
	for step, err := range past(t, nc) {
		if err != nil {
			t.Fatal(err)
		}
		head := step.State.Head
		if _, err := keys.Verify(head.Signed(natstest.Environment), head.Signatures); err != nil {
			t.Errorf("generation %d: %v", head.Generation, err)
		}
	}
}
