package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// putMany plans n flags.
func putMany(n int) admin.Plan {
	return func(admin.State) (edits []admin.Edit, err error) {
		for i := range n {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("flag-%d", i), Body: fmt.Appendf(nil, `{"state":"ENABLED","n":%d}`, i)})
		}
		return edits, nil
	}
}

// run runs l until the test ends.
func run(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// readBase reads the base that nc's user owns.
func readBase(ctx context.Context, nc *nats.Conn) (*replica.State, error) {
	index, chunks, err := natslog.Owner(nc, natstest.Environment).Base(ctx)
	if err != nil {
		return nil, err
	}
	return base.Unpack(index, chunks)
}

// awaitBase waits until the base is of the newest state of l.
func awaitBase(t *testing.T, nc *nats.Conn, l *ledger.Ledger) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		state, err := readBase(t.Context(), nc)
		if err == nil && state.Generation() == l.State().Generation() && state.Digest().String() == l.State().Digest() {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for a base of generation %d; there is %+v, %v", l.State().Generation(), state, err)
		}
	}
}

func TestBaseIsWrittenBehindAChange(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	run(t, l)
	if state, err := readBase(t.Context(), nc); err == nil {
		t.Errorf("an environment that holds nothing has a base of generation %d", state.Generation())
	}
	commit(t, l, putMany(1500))
	awaitBase(t, nc, l)
}

func TestBaseIsWrittenForAnEnvironmentThatHasNone(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	commit(t, open(t, nc), putMany(150)) // nobody runs
	if _, err := readBase(t.Context(), nc); err == nil {
		t.Fatal("there is a base that nobody wrote")
	}
	l := open(t, nc)
	run(t, l)
	awaitBase(t, nc, l)
}

// Few records can be many bytes.
func TestBaseIsWrittenWhenItsLogIsLong(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	commit(t, l, putMany(150))
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		commit(t, l, put("large", fmt.Sprintf(`{"n":"%0*d"}`, 900_000, i)))
	}
	again := open(t, nc) // reads how much follows, and did not see it come
	run(t, again)
	awaitBase(t, nc, again)
}

func TestBaseThatNobodyCanUseIsReplaced(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	commit(t, l, putMany(150))
	for what, spoil := range map[string]func(*wire.BaseIndex){
		"stands upon nothing": func(b *wire.BaseIndex) { b.Sequence = 1_000_000 },
		"does not unpack":     func(b *wire.BaseIndex) { b.Bytes++ },
		"is none":             func(b *wire.BaseIndex) { b.Chunks = 0 },
	} {
		t.Run(what, func(t *testing.T) {
			commit(t, l, put("a", fmt.Sprintf(`{"before":%q}`, what)))
			if err := l.WriteBase(t.Context()); err != nil {
				t.Fatal(err)
			}
			index, _, err := natslog.Owner(nc, natstest.Environment).Base(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			spoil(&index)
			body, err := index.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := nc.Request("flagline.test.base.index", body, nats.DefaultTimeout); err != nil {
				t.Fatal(err)
			}
			again := open(t, nc)
			run(t, again)
			awaitBase(t, nc, again)
		})
	}
}

// What a larger base leaves behind would be sent to every reader.
func TestSmallerBaseLeavesNothingOfALargerOne(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	plan := func(admin.State) (edits []admin.Edit, err error) {
		for i := range 8 {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("noise-%d", i), Body: noise(i, 200_000)})
		}
		return edits, nil
	}
	commit(t, l, plan)
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	large := baseBytes(t, nc)
	commit(t, l, func(s admin.State) (edits []admin.Edit, err error) {
		for i := range 7 {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("noise-%d", i)})
		}
		return edits, nil
	})
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if small := baseBytes(t, nc); large < 1_000_000 || small > 400_000 {
		t.Errorf("the base took %d bytes, and takes %d now", large, small)
	}
	awaitBase(t, nc, l)
}

// noise is a flag of size bytes that does not compress much.
func noise(seed, size int) []byte {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	body := []byte(`{"noise":"`)
	for len(body) < size {
		body = strconv.AppendUint(body, rng.Uint64(), 36)
	}
	return append(body, `"}`...)
}

func baseBytes(t *testing.T, nc *nats.Conn) uint64 {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "flags-test-base")
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Bytes
}

func TestStreamOfTheBaseIsMadeAnew(t *testing.T) {
	nc := natstest.Publisher(t, natstest.Start(t))
	l := open(t, nc)
	commit(t, l, put("a", `{}`))
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "flags-test-base"); err != nil {
		t.Fatal(err)
	}
	if err := l.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitBase(t, nc, l)
}

// Several control planes write the base at once: one wins, no other complains,
// and it is never an older one that stays.
func TestControlPlanesWriteOneBase(t *testing.T) {
	server := natstest.Start(t)
	first := open(t, natstest.Publisher(t, server))
	commit(t, first, putMany(500))
	ledgers := []*ledger.Ledger{first}
	for range 4 {
		ledgers = append(ledgers, open(t, natstest.Publisher(t, server)))
	}
	nc := natstest.Publisher(t, server)
	for i := range 5 {
		commit(t, first, put("a", fmt.Sprintf(`{"round":%d}`, i))) // the others stand before it
		var wg sync.WaitGroup
		for _, l := range ledgers {
			wg.Go(func() {
				if err := l.WriteBase(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := first.WriteBase(t.Context()); err != nil {
			t.Error(err)
		}
		if err := ledgers[1].WriteBase(t.Context()); err != nil {
			t.Error(err)
		}
		state, err := readBase(t.Context(), nc)
		if err != nil || state.Generation() != first.State().Generation() {
			t.Errorf("round %d: the base is %+v, %v; want generation %d", i, state, err, first.State().Generation())
		}
	}
}
