package cluster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

// A backup takes no more rights than the control plane has. A restoration
// deletes streams, so it takes an operator's; readers on every server follow it
// and see no state but the old one and the restored one.
func TestClusterIsRestoredBeforeTheEyesOfItsReaders(t *testing.T) {
	w := newWorld(t, 3)
	commit(t, w.ledger, put(50, "first"))
	commit(t, w.ledger, put(1500, "second"))
	commit(t, w.ledger, put(50, "third"))
	var history []*replica.Step
	from := natslog.Owner(w.Connect(t, w.URLs(), natstest.ControlPlane), natstest.Environment)
	for step, err := range journal.Whole(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, step)
	}
	good := w.ledger.State().Digest()
	mistake := commit(t, w.ledger, put(40, "mistake"))
	var readers []*sourcetest.Recorder
	for i, user := range []string{natstest.Checkout, natstest.Search, natstest.Billing} {
		r := w.follow(t, w.Nodes[i].URL(), user, user[strings.Index(user, "/")+1:])
		r.Await(t, "the mistake", has(w.ledger))
		readers = append(readers, r)
	}

	steps := func(yield func(*replica.Step, error) bool) {
		for _, step := range history {
			if !yield(step, nil) {
				return
			}
		}
	}
	cfg := ledger.RestoreConfig{Environment: natstest.Environment, Replicas: 3, Replace: true, Author: "ada"}
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	if _, err := ledger.Restore(t.Context(), w.Connect(t, w.URLs(), natstest.ControlPlane, quiet), cfg, steps); err == nil {
		t.Error("the control plane may delete an environment")
	}
	made, err := ledger.Restore(t.Context(), w.Connect(t, w.URLs(), natstest.Operator), cfg, steps)
	if err != nil {
		t.Fatal(err)
	}
	if made.Digest != good {
		t.Errorf("restored is digest %s, want %s", made.Digest, good)
	}
	for i, r := range readers {
		r.Await(t, "the restored flags", func(s sourcetest.State) bool {
			return slices.ContainsFunc(s.Updates, func(u source.Update) bool { return u.Version.Incarnation == made.Incarnation })
		})
		seen := slices.ContainsFunc(r.State().Updates, func(u source.Update) bool {
			return u.Version.Digest != good && u.Version.Digest != mistake.Digest
		})
		if seen {
			t.Errorf("reader %d saw something in between", i)
		}
	}
	commit(t, w.ledger, put(1, "and on it goes"))
	for _, r := range readers {
		r.Await(t, "a change after the restoration", has(w.ledger))
	}
	s, err := w.js.Stream(t.Context(), "KV_flags-"+natstest.Environment)
	if err != nil || s.CachedInfo().Config.Replicas != 3 {
		t.Errorf("the stream is %+v, %v; want it on three servers", s.CachedInfo(), err)
	}
}
