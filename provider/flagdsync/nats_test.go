package flagdsync_test

import (
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source/natskv"
)

func TestFlagdFollowsAnEnvironmentOnNATSThroughAnOutage(t *testing.T) {
	server := natstest.Start(t)
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, variant string) {
		t.Helper()
		_, err := l.Commit(t.Context(), admin.Draft{Author: "test", Plan: func(admin.State) ([]admin.Edit, error) {
			return []admin.Edit{{Key: key, Body: []byte(colors(variant))}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("a", "red")
	link := natstest.NewLink(t, server)
	e := feed(t, flagdsync.FromNATS(natskv.Config{Servers: link.URL(), Environment: natstest.Environment}))
	e.color(t, "a", "red")
	put("a", "blue")
	e.color(t, "a", "blue")
	link.Cut()
	put("b", "red")
	e.color(t, "a", "blue")
	link.Restore()
	e.color(t, "b", "red")
}
