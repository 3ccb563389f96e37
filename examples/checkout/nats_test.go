package main

import (
	"os"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/internal/natstest"
)

func TestShopFollowsAnEnvironmentOnNATS(t *testing.T) {
	server := natstest.Start(t)
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	path := samples(t)
	publish(t, l, path)
	addr := open(t, "-mode", "in-process", "-nats", server.URL(),
		"-environment", natstest.Environment, "-snapshot-dir", t.TempDir())
	awaits(t, addr, "max-items", 50.0)
	awaits(t, addr, "new-checkout", false)
	toggle(t, path)
	publish(t, l, path)
	awaits(t, addr, "new-checkout", true)
}

// publish makes the file at path a change of the environment.
func publish(t *testing.T, l *ledger.Ledger, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := flagdoc.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Commit(t.Context(), admin.Draft{Author: "test", Plan: func(admin.State) (edits []admin.Edit, err error) {
		for _, r := range doc.Records() {
			edits = append(edits, admin.Edit{Set: r.Set, Key: r.Key, Settings: r.Settings, Body: r.Body})
		}
		return edits, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}
