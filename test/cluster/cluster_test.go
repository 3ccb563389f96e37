package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// A world is a cluster with a control plane.
type world struct {
	*natstest.Cluster
	js     jetstream.JetStream // of the operator, who sees everything
	ledger *ledger.Ledger      // of natstest.Environment
}

func newWorld(t *testing.T, nodes int) *world {
	t.Helper()
	w := &world{Cluster: natstest.StartCluster(t, nodes)}
	js, err := jetstream.New(w.Connect(t, w.URLs(), natstest.Operator))
	if err != nil {
		t.Fatal(err)
	}
	w.js = js
	w.ledger = w.open(t, w.URLs(), natstest.Environment)
	return w
}

// open opens an environment as the control plane does and keeps it up to date
// until the test ends.
func (w *world) open(t *testing.T, servers, env string) *ledger.Ledger {
	t.Helper()
	nc := w.Connect(t, servers, natstest.ControlPlane, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		t.Errorf("the control plane: %v", err)
	}))
	l, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: env, Replicas: len(w.Nodes)})
	if err != nil {
		t.Fatal(err)
	}
	background(t, l.Run)
	return l
}

// follow follows natstest.Environment through servers until the test ends.
func (w *world) follow(t *testing.T, servers, user, instance string) *sourcetest.Recorder {
	t.Helper()
	src, err := natskv.New(natskv.Config{
		Servers: servers, Environment: natstest.Environment, Instance: instance, Credentials: w.Credential(user),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	background(t, func(ctx context.Context) error { return src.Watch(ctx, r) })
	return r
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// has says that a reader stands where the ledger does.
func has(l *ledger.Ledger) func(sourcetest.State) bool {
	return func(s sourcetest.State) bool {
		v := version(s)
		return v.Generation == l.State().Generation() && v.Digest == l.State().Digest()
	}
}

func commit(t *testing.T, l *ledger.Ledger, plan admin.Plan) admin.Change {
	t.Helper()
	c, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put plans n flags of the unnamed set.
func put(n int, text string) admin.Plan {
	return func(admin.State) (edits []admin.Edit, err error) {
		for i := range n {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("flag-%d", i), Body: fmt.Appendf(nil, `{"v":%q}`, text)})
		}
		return edits, nil
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(sourcetest.Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestInboxThatIsNoSubjectIsRefused(t *testing.T) {
	for _, prefix := range []string{"_INBOX.>", "_INBOX_a.", "*"} {
		_, err := natskv.New(natskv.Config{Servers: "nats://127.0.0.1:4222", Environment: natstest.Environment, InboxPrefix: prefix})
		if err == nil || !strings.Contains(err.Error(), "inbox prefix") {
			t.Errorf("New with the prefix %q gives %v", prefix, err)
		}
	}
}
