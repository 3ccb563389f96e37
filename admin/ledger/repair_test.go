package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
)

func stray(t *testing.T, nc *nats.Conn, key, body string) {
	t.Helper()
	if _, err := nc.Request("$KV.flags-test."+key, []byte(body), nats.DefaultTimeout); err != nil {
		t.Fatal(err)
	}
}

// head is the newest head, as it stands in the log.
func head(t *testing.T, nc *nats.Conn) string {
	t.Helper()
	msg, err := nc.Request("$JS.API.DIRECT.GET.KV_flags-test.$KV.flags-test.head", nil, nats.DefaultTimeout)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg.Data)
}

// Whatever somebody writes past us is closed by the next change, also by a
// ledger that was opened after it, and also if it is all there is.
func TestEachStrayWriteIsPutBack(t *testing.T) {
	for name, write := range map[string]func(*testing.T, *nats.Conn, string){
		"a flag": func(t *testing.T, nc *nats.Conn, _ string) { stray(t, nc, "flag.=.a", `{"v":666}`) },
		"a flag too large": func(t *testing.T, nc *nats.Conn, _ string) {
			stray(t, nc, "flag.=.big", strings.Repeat("x", 1_040_000))
		},
		"a removed flag":     func(t *testing.T, nc *nats.Conn, _ string) { stray(t, nc, "flag.=.a", ``) },
		"a key of nobody's":  func(t *testing.T, nc *nats.Conn, _ string) { stray(t, nc, "nonsense", `x`) },
		"no head at all":     func(t *testing.T, nc *nats.Conn, _ string) { stray(t, nc, "head", `x`) },
		"a copy of a head":   func(t *testing.T, nc *nats.Conn, old string) { stray(t, nc, "head", old) },
		"the head once more": func(t *testing.T, nc *nats.Conn, _ string) { stray(t, nc, "head", head(t, nc)) },
		"a head that lies": func(t *testing.T, nc *nats.Conn, _ string) {
			stray(t, nc, "flag.=.a", `{"v":666}`)
			stray(t, nc, "head", strings.Replace(head(t, nc), `"generation":3`, `"generation":4`, 1))
		},
	} {
		for _, reopened := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reopened %v", name, reopened), func(t *testing.T) {
				nc := natstest.Publisher(t, natstest.Start(t))
				l := open(t, nc)
				commit(t, l, put("a", `{"v":1}`))
				old := head(t, nc)
				commit(t, l, put("b", `{"v":1}`))
				write(t, nc, old)
				if reopened {
					l = open(t, nc)
				}
				commit(t, l, put("c", `{"v":1}`))
				for _, l := range []*ledger.Ledger{l, open(t, nc)} {
					var flags []string
					for _, f := range l.State().Flags() {
						flags = append(flags, f.Key+string(f.Body))
					}
					if want := []string{`a{"v":1}`, `b{"v":1}`, `c{"v":1}`}; !slices.Equal(flags, want) {
						t.Errorf("flags are %v, want %v", flags, want)
					}
					h, err := l.History(t.Context(), admin.HistoryQuery{})
					if reopened && name == "the head once more" {
						continue // whoever comes later sees no difference
					}
					if err != nil || len(h) != 5 || h[1].Author != "flagline" || h[2].Author != "ada" || h[4].Generation != 1 {
						t.Errorf("history is %+v, %v; want five changes, the fourth of which puts back", h, err)
					}
				}
			})
		}
	}
}

func TestStrayWriteIntoAnEmptyStreamIsPutBack(t *testing.T) {
	for _, key := range []string{"flag.=.a", "head", "nonsense"} {
		nc := natstest.Publisher(t, natstest.Start(t))
		open(t, nc)
		js := "$JS.API.STREAM."
		for _, request := range []string{"DELETE.KV_flags-test"} {
			if _, err := nc.Request(js+request, nil, nats.DefaultTimeout); err != nil {
				t.Fatal(err)
			}
		}
		create := `{"name":"KV_flags-test","subjects":["$KV.flags-test.>"],"storage":"file","retention":"limits","num_replicas":1,
			"max_msgs_per_subject":9223372036854775807,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"discard":"new",
			"allow_direct":true,"allow_atomic":true,"deny_delete":true,"deny_purge":true,
			"republish":{"src":"$KV.flags-test.>","dest":"flagline.test.changes.>"}}`
		if _, err := nc.Request(js+"CREATE.KV_flags-test", []byte(create), nats.DefaultTimeout); err != nil {
			t.Fatal(err)
		}
		stray(t, nc, key, `{"v":666}`)
		l := open(t, nc)
		if flags := l.State().Flags(); len(flags) != 0 || l.State().Generation() == 0 {
			t.Errorf("%s: generation %d holds %v, want a first one that holds nothing", key, l.State().Generation(), flags)
		}
	}
}

// Somebody writes between the parts of a large change. The parts are put back,
// the change is made anew, and it is not called made before that.
func TestStrayWriteBetweenPartsIsPutBack(t *testing.T) {
	server := natstest.Start(t)
	nc := natstest.Publisher(t, server)
	l := open(t, nc)
	commit(t, l, put("a", `{"v":1}`))

	// The first head with more to come triggers the stray write.
	enemy := natstest.Publisher(t, server)
	done, once := make(chan error, 1), new(sync.Once)
	sub, err := enemy.Subscribe("flagline.test.changes.head", func(msg *nats.Msg) {
		if strings.Contains(string(msg.Data), `"more":true`) {
			once.Do(func() { done <- enemy.Publish("$KV.flags-test.flag.=.a", []byte(`{"v":666}`)) })
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	if err := enemy.Flush(); err != nil {
		t.Fatal(err)
	}
	c := commit(t, l, func(admin.State) (edits []admin.Edit, err error) {
		for i := range 9000 {
			edits = append(edits, admin.Edit{Key: fmt.Sprint("flag-", i), Body: []byte(`{}`)})
		}
		return edits, nil
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	again := open(t, nc)
	a, _ := again.State().Flag("", "a")
	if flags := len(again.State().Flags()); flags != 9001 || string(a.Body) != `{"v":1}` || again.State().Generation() != c.Generation {
		t.Errorf("generation %d holds %d flags, and a is %s; the change was said to be made in %d",
			again.State().Generation(), flags, a.Body, c.Generation)
	}
}

// A log that went back, because an older copy of it was put in place, is nothing
// to build upon.
func TestLogThatWentBackIsNotBuiltUpon(t *testing.T) {
	dir := t.TempDir()
	server := natstest.StartAt(t, dir, "127.0.0.1:0")
	addr := server.URL()[len("nats://"):]
	nc := natstest.Publisher(t, server)
	l := open(t, nc)
	commit(t, l, put("a", `{"v":1}`))
	server.Close()
	streams, old := filepath.Join(dir, "nats", "jetstream"), t.TempDir()
	if err := os.CopyFS(old, os.DirFS(streams)); err != nil {
		t.Fatal(err)
	}
	server = natstest.StartAt(t, dir, addr)
	commit(t, l, put("a", `{"v":2}`))
	server.Close()
	if err := errors.Join(os.RemoveAll(streams), os.CopyFS(streams, os.DirFS(old))); err != nil {
		t.Fatal(err)
	}
	natstest.StartAt(t, dir, addr)
	for range 100 {
		_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: put("b", `{}`)})
		if err == nil {
			t.Fatal("a change is made on top of a log that went back")
		}
		if unavailable, ok := errors.AsType[*admin.UnavailableError](err); ok && strings.Contains(unavailable.Error(), "went back") {
			return
		}
	}
	t.Error("nobody says that the log went back")
}

// A caller who has gone away gets nothing done behind his back.
func TestChangeOfACallerWhoLeftIsNotMade(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	planning, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: func(admin.State) ([]admin.Edit, error) {
			close(planning)
			<-release
			return nil, nil
		}})
		first <- err
	}()
	<-planning
	ctx, leave := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		_, err := l.Commit(ctx, admin.Draft{Author: "ben", Plan: put("late", `{}`)})
		second <- err
	}()
	leave()
	if err := <-second; err == nil {
		t.Error("the change of a caller who left is made")
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, late := l.State().Flag("", "late"); late {
		t.Error("the change was made after its caller had left")
	}
}

// A stray write on the very record that a change is about, and its undoing, are
// no conflict: nothing has moved.
func TestWhatWasPutBackIsNoConflict(t *testing.T) {
	server := natstest.Start(t)
	l := open(t, natstest.Publisher(t, server))
	enemy := natstest.Publisher(t, server)
	commit(t, l, put("a", `{"v":1}`))
	once := false
	c := commit(t, l, func(admin.State) ([]admin.Edit, error) {
		if !once {
			once = true
			stray(t, enemy, "flag.=.a", `{"v":666}`)
		}
		return []admin.Edit{{Key: "a", Body: []byte(`{"v":2}`)}}, nil
	})
	if a, _ := l.State().Flag("", "a"); string(a.Body) != `{"v":2}` || c.Generation != 4 {
		t.Errorf("a is %s in generation %d, want the change in 4, after the undoing", a.Body, c.Generation)
	}
}

func TestTextsThatTravelWithEveryRecordAreShort(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	for _, draft := range []admin.Draft{
		{Author: strings.Repeat("a", 257)},
		{Author: "ada", Reason: strings.Repeat("r", 4097)},
	} {
		draft.Plan = put("a", `{}`)
		_, err := l.Commit(t.Context(), draft)
		if _, ok := errors.AsType[*admin.UsageError](err); !ok {
			t.Errorf("Commit with %d and %d bytes gives %v", len(draft.Author), len(draft.Reason), err)
		}
	}
	long := admin.Draft{Author: strings.Repeat("ä", 128), Reason: strings.Repeat("ß", 2048), Plan: put("a", `{}`)}
	if _, err := l.Commit(t.Context(), long); err != nil {
		t.Errorf("the longest texts are refused: %v", err)
	}
}

func TestSetLosesItsFlagsOnlyIfThatIsSaid(t *testing.T) {
	l := open(t, natstest.Publisher(t, natstest.Start(t)))
	fill := func(admin.State) (edits []admin.Edit, err error) {
		for i := range 20 {
			edits = append(edits, admin.Edit{Key: fmt.Sprint("flag-", i), Body: []byte(`{}`)})
		}
		return edits, nil
	}
	lose := func(n int) admin.Plan {
		return func(s admin.State) (edits []admin.Edit, err error) {
			for _, f := range s.Flags()[:n] {
				edits = append(edits, admin.Edit{Key: f.Key})
			}
			return edits, nil
		}
	}
	commit(t, l, fill)
	_, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: lose(11)})
	if _, ok := errors.AsType[*admin.ShrinkError](err); !ok {
		t.Errorf("losing 11 of 20 flags gives %v, want a shrink error", err)
	}
	commit(t, l, lose(10))
	if _, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: lose(10)}); err == nil {
		t.Error("a set is emptied without a word")
	}
	if _, err := l.Commit(t.Context(), admin.Draft{Author: "ada", Plan: lose(10), AllowShrink: true}); err != nil {
		t.Error(err)
	}
}
