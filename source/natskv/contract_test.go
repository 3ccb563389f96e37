package natskv_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestContract(t *testing.T) {
	sourcetest.Run(t, sourcetest.Harness{Open: func(t *testing.T) sourcetest.Origin { return newOrigin(t) }})
}

// An origin is an environment on a server of its own.
type origin struct {
	dir    string
	server *natsd.Server
	url    string
	pub    *nats.Conn
	ledger *ledger.Ledger
	stop   func() // ends ledger's Run, if it runs
}

func newOrigin(t testing.TB) *origin {
	dir := t.TempDir()
	s := natstest.StartAt(t, dir, "127.0.0.1:0")
	return &origin{dir: dir, server: s, url: s.URL(), pub: natstest.Publisher(t, s)}
}

func (o *origin) Source(t *testing.T) source.Source { return o.source(t, "") }

func (o *origin) source(t *testing.T, snapshots string) *natskv.Source {
	t.Helper()
	src, err := natskv.New(natskv.Config{
		Servers: o.url, Environment: natstest.Environment, Instance: "instance-of-" + t.Name(), SnapshotDir: snapshots,
	})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func (o *origin) Write(t *testing.T, doc flagdoc.Document) {
	t.Helper()
	if o.ledger == nil {
		l, err := ledger.Open(t.Context(), o.pub, ledger.Config{Environment: natstest.Environment})
		if err != nil {
			t.Fatal(err)
		}
		o.ledger = l
	}
	o.commit(t, func(s admin.State) (edits []admin.Edit, err error) {
		for _, f := range s.Flags() {
			edits = append(edits, admin.Edit{Set: f.Set, Key: f.Key})
		}
		for _, set := range s.Sets() {
			edits = append(edits, admin.Edit{Set: set, Settings: true})
		}
		for _, r := range doc.Records() {
			edits = append(edits, admin.Edit{Set: r.Set, Key: r.Key, Settings: r.Settings, Body: r.Body})
		}
		return edits, nil
	})
}

func (o *origin) commit(t testing.TB, plan admin.Plan) admin.Change {
	t.Helper()
	c, err := o.ledger.Commit(t.Context(), admin.Draft{Author: "test", Plan: plan, AllowShrink: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (o *origin) Break(*testing.T) { o.server.Close() }

func (o *origin) Mend(t *testing.T) {
	t.Helper()
	o.server = natstest.StartAt(t, o.dir, o.url[len("nats://"):])
}
