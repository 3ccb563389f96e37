package checker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/sourcetest"
	"github.com/flagline/flagline/test/checker"
)

// Two control planes make 300 random changes to the same flags, while somebody
// writes past them and two readers follow. Then everything that was published
// and reported is checked by somebody who knows only the protocol.
func TestRandomChangesWithStraysAndRepairsAreInOrder(t *testing.T) {
	const changes, seed = 300, 11
	server := natstest.Start(t)
	fleet := listen(t, server)
	readers := []*sourcetest.Recorder{follow(t, server, "one"), follow(t, server, "two")}

	var made sync.Map // author and generation, by change
	var both sync.WaitGroup
	for i, name := range []string{"ada", "ben"} {
		p := publisher{
			name: name, rng: rand.New(rand.NewPCG(seed, uint64(i))), nc: natstest.Publisher(t, server),
			ledger: open(t, server),
		}
		both.Go(func() {
			for range changes / 2 {
				if err := p.change(t.Context(), &made); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if p.rng.IntN(8) == 0 {
					p.stray()
				}
			}
		})
	}
	both.Wait()
	last := open(t, server) // puts back what was written last
	commit(t, last, "eve", admin.Edit{Key: "last", Body: []byte(`{}`)})
	want := last.State()
	for _, r := range readers {
		r.Await(t, "the last change", func(s sourcetest.State) bool {
			return len(s.Updates) > 0 && s.Updates[len(s.Updates)-1].Version.Digest == want.Digest()
		})
	}

	result, err := checker.Check(t.Context(), natstest.Reader(t, server), natstest.Environment,
		checker.Options{Reports: fleet.await(t, want.Generation(), len(readers))})
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]int)
	parts := 0
	for _, c := range result.Changes {
		byName[c.Author]++
		parts = max(parts, c.Parts)
		if generation, ok := made.LoadAndDelete(c.ID); ok != (c.Author == "ada" || c.Author == "ben") || ok && generation != c.Generation {
			t.Errorf("the log has change %s of %s in generation %d; it was said to be made: %v, in %v", c.ID, c.Author, c.Generation, ok, generation)
		}
	}
	made.Range(func(id, generation any) bool {
		t.Errorf("change %v, said to make generation %v, is not in the log", id, generation)
		return true
	})
	t.Logf("%d generations by %v, %d strays", len(result.Changes), byName, result.Strays)
	if byName["flagline"] < 5 || result.Strays < 10 || parts < 2 || byName["ada"] < 100 || byName["ben"] < 100 {
		t.Errorf("%d strays, %d parts at the most, changes by %v: too few to say anything", result.Strays, parts, byName)
	}
	if got := len(result.Records); got != len(want.Flags())+settings(want) {
		t.Errorf("the log leads to %d records, the ledger has %d flags and %d settings", got, len(want.Flags()), settings(want))
	}
	for _, r := range readers {
		var bodies [][]byte
		for _, body := range r.State().Records {
			bodies = append(bodies, []byte(body))
		}
		if !sameBodies(bodies, result.Records) {
			t.Errorf("a reader shows %d records, and others than the %d of the log", len(bodies), len(result.Records))
		}
	}
	checkRestored(t, server, result)
}

// checkRestored makes the environment anew on another server, signed, and checks
// that the log is in order there and tells the same.
func checkRestored(t *testing.T, server *natsd.Server, was checker.Result) {
	t.Helper()
	secret, _, err := signing.NewKey(false)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.Fields(string(secret))[4])
	if err != nil {
		t.Fatal(err)
	}
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)

	other := natstest.Start(t)
	history := journal.Whole(t.Context(), natslog.Owner(natstest.Publisher(t, server), natstest.Environment))
	_, err = ledger.Restore(t.Context(), natstest.Publisher(t, other), ledger.RestoreConfig{
		Environment: natstest.Environment, Epoch: was.Epoch, Author: "bob", SigningKeys: []string{file},
	}, history)
	if err != nil {
		t.Fatal(err)
	}
	is, err := checker.Check(t.Context(), natstest.Reader(t, other), natstest.Environment,
		checker.Options{Trusted: []ed25519.PublicKey{public}})
	if err != nil {
		t.Fatal(err)
	}
	n := len(was.Changes)
	if is.Incarnation == was.Incarnation || is.Epoch <= was.Epoch || len(is.Changes) != n+1 || is.Changes[n].Author != "bob" {
		t.Errorf("restored are %d changes with epoch %d, of %d with epoch %d", len(is.Changes), is.Epoch, n, was.Epoch)
	}
	for i, c := range was.Changes {
		if r := is.Changes[i]; r.ID != c.ID || r.Digest != c.Digest || r.Author != c.Author || r.Reason != c.Reason || len(r.Records) != len(c.Records) {
			t.Errorf("generation %d was %s of %s, and is %s of %s", c.Generation, c.ID, c.Author, r.ID, r.Author)
		}
	}
}

func settings(s admin.State) (n int) {
	for _, set := range s.Sets() {
		if s.Settings(set) != nil {
			n++
		}
	}
	return n
}

func sameBodies(got [][]byte, want map[string][]byte) bool {
	var all [][]byte
	for _, body := range want {
		all = append(all, body)
	}
	slices.SortFunc(all, bytes.Compare)
	slices.SortFunc(got, bytes.Compare)
	return slices.EqualFunc(got, all, bytes.Equal)
}

func open(t *testing.T, server *natsd.Server) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func commit(t *testing.T, l *ledger.Ledger, author string, edits ...admin.Edit) admin.Change {
	t.Helper()
	c, err := l.Commit(t.Context(), admin.Draft{
		Author: author, AllowShrink: true, Plan: func(admin.State) ([]admin.Edit, error) { return edits, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A publisher makes random changes, and random mistakes.
type publisher struct {
	name   string
	rng    *rand.Rand
	nc     *nats.Conn
	ledger *ledger.Ledger
	made   int
}

var sets = []string{"", "web", "größe/ä"}

// change makes one change, and notes it. To lose to the other publisher is no
// failure.
func (p *publisher) change(ctx context.Context, made *sync.Map) error {
	p.made++
	n := 1 + p.rng.IntN(4)
	if p.made%50 == 0 {
		n = 1000 // more than go with one head
	}
	var edits []admin.Edit
	for i := range n {
		e := admin.Edit{Set: sets[p.rng.IntN(len(sets))], Key: fmt.Sprintf("flag %d", p.rng.IntN(25))}
		switch {
		case n > 4:
			e.Set, e.Key = "web", fmt.Sprintf("many.%d", i)
		case p.rng.IntN(20) == 0:
			e.Key, e.Settings = "", true
		}
		if p.rng.IntN(4) > 0 || n > 4 {
			e.Body = fmt.Appendf(nil, `{"by":%q,"change":%d,"edit":%d}`, p.name, p.made, i)
		}
		edits = append(edits, e)
	}
	c, err := p.ledger.Commit(ctx, admin.Draft{
		Author: p.name, Reason: fmt.Sprintf("100 %% random, Nr. %d\nß", p.made), AllowShrink: true,
		Plan: func(admin.State) ([]admin.Edit, error) { return edits, nil },
	})
	if _, conflict := errors.AsType[*admin.ConflictError](err); conflict {
		return nil
	}
	if c.ID != "" {
		made.Store(c.ID, c.Generation)
	}
	return err
}

// stray writes something past the protocol. What the server makes of it does not
// matter.
func (p *publisher) stray() {
	subject, body := "$KV.flags-test.", []byte(`{"stray":true}`)
	head, err := p.nc.Request("$JS.API.DIRECT.GET.KV_flags-test.$KV.flags-test.head", nil, nats.DefaultTimeout)
	if err != nil {
		return
	}
	switch p.rng.IntN(7) {
	case 0:
		subject += fmt.Sprintf("flag.=.flag=20%d", p.rng.IntN(25))
	case 1:
		subject, body = subject+fmt.Sprintf("flag.web.flag=20%d", p.rng.IntN(25)), nil
	case 2:
		subject += "flag.=.f=6Cag" // a second spelling
	case 3:
		subject += "nonsense"
	case 4:
		subject += "head"
	case 5:
		subject, body = subject+"head", head.Data
	case 6:
		h, err := wire.ParseHead(head.Data)
		if err != nil {
			return
		}
		h.Generation, h.Flags = h.Generation+1, h.Flags+1 // a lie
		if body, err = h.Marshal(); err != nil {
			return
		}
		subject += "head"
	}
	_, _ = p.nc.Request(subject, body, nats.DefaultTimeout)
}

func follow(t *testing.T, server *natsd.Server, name string) *sourcetest.Recorder {
	t.Helper()
	src, err := natskv.New(natskv.Config{Servers: server.URL(), Environment: natstest.Environment, Instance: name})
	if err != nil {
		t.Fatal(err)
	}
	r := new(sourcetest.Recorder)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- src.Watch(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
	return r
}

// A fleet is the reports of instances, as they come.
type fleet struct {
	mu      sync.Mutex
	reports [][]byte
}

func listen(t *testing.T, server *natsd.Server) *fleet {
	t.Helper()
	f, nc := new(fleet), natstest.Publisher(t, server)
	_, err := nc.Subscribe("flagline.test.fleet.*", func(msg *nats.Msg) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reports = append(f.reports, msg.Data)
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// await returns all reports once n of them are of the generation.
func (f *fleet) await(t *testing.T, generation uint64, n int) [][]byte {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(sourcetest.Patience)
	for {
		f.mu.Lock()
		all := slices.Clone(f.reports)
		f.mu.Unlock()
		found := 0
		for _, body := range all {
			if bytes.Contains(body, fmt.Appendf(nil, `"generation":%d,`, generation)) {
				found++
			}
		}
		if found >= n {
			return all
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %d reports of generation %d", n, generation)
		}
	}
}
