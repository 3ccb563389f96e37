package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
)

func open(t *testing.T, nc *nats.Conn) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// put plans one flag of the unnamed set.
func put(key, body string) admin.Plan {
	return func(admin.State) ([]admin.Edit, error) {
		return []admin.Edit{{Key: key, Body: []byte(body)}}, nil
	}
}

func commit(t *testing.T, l *ledger.Ledger, plan admin.Plan) admin.Change {
	t.Helper()
	c, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Reason: "because", Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChangeIsCommittedAndRemembered(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	if g := l.State().Generation(); g != 1 {
		t.Fatalf("a new environment has generation %d, want 1", g)
	}

	c := commit(t, l, put("a", `{"state":"ENABLED"}`))
	if c.ID == "" || c.Generation != 2 || len(c.Flags) != 1 || c.Flags[0].Action != admin.ActionCreate {
		t.Errorf("change is %+v", c)
	}
	f, ok := l.State().Flag("", "a")
	if !ok || string(f.Body) != `{"state":"ENABLED"}` || f.Generation != 2 || f.Author != "ada" || f.Change != c.ID {
		t.Errorf("flag is %+v, %v", f, ok)
	}

	history, err := l.History(t.Context(), admin.HistoryQuery{Key: "a"})
	if err != nil || len(history) != 1 || history[0].ID != c.ID || history[0].Reason != "because" {
		t.Errorf("history is %+v, %v", history, err)
	}
	again := open(t, nc)
	if again.State().Digest() != l.State().Digest() {
		t.Errorf("a second ledger reads digest %s, want %s", again.State().Digest(), l.State().Digest())
	}
}

func TestChangeThatChangesNothingIsNotPublished(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	commit(t, l, put("a", `{}`))
	if c := commit(t, l, put("a", `{}`)); c.ID != "" || c.Generation != 2 {
		t.Errorf("change is %+v, want none at generation 2", c)
	}
}

func TestLargeChangeGoesInParts(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	plan := func(admin.State) (edits []admin.Edit, err error) {
		for i := range 2500 {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("flag-%d", i), Body: []byte(`{"state":"ENABLED"}`)})
		}
		return edits, nil
	}
	c := commit(t, l, plan)
	if c.Generation != 2 || len(c.Flags) != 2500 || len(l.State().Flags()) != 2500 {
		t.Errorf("generation %d with %d touched and %d flags", c.Generation, len(c.Flags), len(l.State().Flags()))
	}
}

func TestFlagAtTellsThePast(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	commit(t, l, put("a", `{"v":1}`)) // generation 2
	commit(t, l, put("b", `{}`))      // 3
	commit(t, l, put("a", `{"v":2}`)) // 4
	commit(t, l, func(admin.State) ([]admin.Edit, error) { return []admin.Edit{{Key: "a"}}, nil })
	for generation, want := range map[uint64]string{1: "", 2: `{"v":1}`, 3: `{"v":1}`, 4: `{"v":2}`, 5: "", 99: ""} {
		f, ok, err := l.FlagAt(t.Context(), "", "a", generation)
		if err != nil || ok != (want != "") || string(f.Body) != want {
			t.Errorf("at generation %d: %s, %v, %v; want %s", generation, f.Body, ok, err, want)
		}
	}
}

func TestForeignWriteIsPutBack(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	commit(t, l, put("a", `{"v":1}`))
	for _, key := range []string{"flag.=.a", "flag.=.stray", "nonsense", "head"} {
		if _, err := nc.Request("$KV.flags-test."+key, []byte(`{"v":666}`), nats.DefaultTimeout); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, l, put("b", `{"v":1}`))

	for _, l := range []*ledger.Ledger{l, open(t, nc)} {
		a, _ := l.State().Flag("", "a")
		_, stray := l.State().Flag("", "stray")
		if string(a.Body) != `{"v":1}` || stray || len(l.State().Flags()) != 2 {
			t.Errorf("a is %s, stray exists: %v, %d flags", a.Body, stray, len(l.State().Flags()))
		}
	}
	history, err := l.History(context.Background(), admin.HistoryQuery{})
	if err != nil || len(history) != 4 || history[1].Author != "flagline" || !strings.Contains(history[1].Reason, "put back") {
		t.Errorf("history is %+v, %v", history, err)
	}
}

func TestPlanMayAskAboutThePast(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	commit(t, l, put("a", `{"v":1}`))
	commit(t, l, put("a", `{"v":2}`))
	commit(t, l, func(admin.State) ([]admin.Edit, error) {
		f, _, err := l.FlagAt(t.Context(), "", "a", 2)
		if err != nil {
			return nil, err
		}
		if h, err := l.History(t.Context(), admin.HistoryQuery{Key: "a"}); err != nil || len(h) != 2 {
			return nil, fmt.Errorf("history is %+v, %w", h, err)
		}
		return []admin.Edit{{Key: "a", Body: f.Body}}, nil
	})
	if f, _ := l.State().Flag("", "a"); string(f.Body) != `{"v":1}` {
		t.Errorf("a is %s, want what it was", f.Body)
	}
}
