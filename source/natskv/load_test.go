package natskv_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source/sourcetest"
)

// many plans n flags of a common size, from flag-<from> on, and with them a few
// that are odd.
func many(from, n int) admin.Plan {
	return func(admin.State) ([]admin.Edit, error) {
		edits := []admin.Edit{
			{Set: "größe", Settings: true, Body: []byte(`{"metadata":{"owner":"ada"}}`)},
			{Set: "größe", Key: "a.b/c *>\x00", Body: []byte(`1`)},
			{Key: "head", Body: []byte(`"é"`)},
		}
		for i := range n {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("flag-%06d", from+i), Body: flagBody(i)})
		}
		return edits, nil
	}
}

func flagBody(i int) []byte {
	return fmt.Appendf(nil, `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",`+
		`"targeting":{"if":[{"==":[{"var":"customer"},"%x"]},"off","on"]},"metadata":{"owner":"team-%d"}}`,
		sha256.Sum256([]byte{byte(i), byte(i >> 8)}), i%7)
}

// remove plans the end of n flags, from flag-<from> on.
func remove(from, n int) admin.Plan {
	return func(admin.State) (edits []admin.Edit, err error) {
		for i := range n {
			edits = append(edits, admin.Edit{Key: fmt.Sprintf("flag-%06d", from+i)})
		}
		return edits, nil
	}
}

func (o *origin) writeBase(t testing.TB) {
	t.Helper()
	if err := o.ledger.WriteBase(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// An ear hears what readers ask the log for.
type ear struct {
	mu    sync.Mutex
	asked []uint64 // sequences from which runs of records were asked for
}

func (o *origin) listen(t *testing.T) *ear {
	t.Helper()
	e := new(ear)
	nc := natstest.Publisher(t, o.server)
	_, err := nc.Subscribe("$JS.API.DIRECT.GET.KV_flags-test", func(msg *nats.Msg) {
		var request struct {
			Seq  uint64 `json:"seq"`
			Next string `json:"next_by_subj"`
		}
		if json.Unmarshal(msg.Data, &request) == nil && request.Next != "" {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.asked = append(e.asked, request.Seq)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// from is the first sequence from which records were asked for since the last
// call; 0 if none were. What was asked comes by another connection than the
// reader's, so it is given a moment to come.
func (e *ear) from() uint64 {
	deadline := time.After(500 * time.Millisecond)
	for {
		if first := e.first(); first != 0 {
			return first
		}
		select {
		case <-deadline:
			return 0
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (e *ear) first() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.asked = nil }()
	if len(e.asked) == 0 {
		return 0
	}
	return slices.Min(e.asked)
}

func delivered(s sourcetest.State) bool { return len(s.Updates) > 0 }

func TestBaseEqualsReplay(t *testing.T) {
	for _, n := range []int{10, 1_000, 10_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			o := started(t)
			o.commit(t, many(0, n))
			o.commit(t, remove(n/2, n/5))
			replay, _ := follow(t, o.Source(t))
			want := replay.Await(t, "the whole log", delivered)

			o.writeBase(t)
			e := o.listen(t)
			based, _ := follow(t, o.Source(t))
			got := based.Await(t, "the base", delivered)
			if from := e.from(); from != 0 {
				t.Errorf("records from sequence %d on were read, and nothing follows the base", from)
			}
			if got.Updates[0].Version != want.Updates[0].Version {
				t.Errorf("version is %+v, by replay %+v", got.Updates[0].Version, want.Updates[0].Version)
			}
			if len(want.Records) != n-n/5+3 || !maps.Equal(got.Records, want.Records) {
				t.Errorf("%d records, by replay %d of %d, or they differ", len(got.Records), len(want.Records), n-n/5+3)
			}
		})
	}
}

func TestReaderReadsOnlyWhatFollowsTheBase(t *testing.T) {
	o := started(t)
	o.commit(t, many(0, 200)) // sequences 2 to 205: 203 records and a head
	o.writeBase(t)
	o.commit(t, set("a", `1`))
	o.commit(t, remove(0, 50))
	e := o.listen(t)
	r, _ := follow(t, o.Source(t))
	s := r.Await(t, "the flags", delivered)
	if from := e.from(); from != 206 {
		t.Errorf("records from sequence %d on were read, want 206, the first after the base", from)
	}
	if len(s.Records) != 154 || s.Records[sourcetest.ID{Key: "a"}] != `1` || generation(s) != 4 {
		t.Errorf("%d records at generation %d, want 154 at 4", len(s.Records), generation(s))
	}
	o.commit(t, set("a", `2`))
	r.Await(t, "a change after the load", func(s sourcetest.State) bool { return s.Records[sourcetest.ID{Key: "a"}] == `2` })
}

// A spoiler writes a base that is wrong.
type spoiler func(t *testing.T, index *wire.BaseIndex, chunks [][]byte) [][]byte

func TestWrongBaseIsDoneWithout(t *testing.T) {
	hash := func(index *wire.BaseIndex, chunks [][]byte) {
		sum := sha256.Sum256(bytes.Join(chunks, nil))
		index.Hash = hex.EncodeToString(sum[:])
	}
	o := started(t)
	o.commit(t, many(0, 100))
	o.writeBase(t)
	_, earlier, err := natslog.Owner(o.pub, natstest.Environment).Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.commit(t, many(50, 100))
	o.writeBase(t)
	o.commit(t, set("last", `1`))
	good, chunks, err := natslog.Owner(o.pub, natstest.Environment).Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := o.listen(t)

	for name, spoil := range map[string]spoiler{
		"nothing is wrong": func(_ *testing.T, _ *wire.BaseIndex, c [][]byte) [][]byte { return c },
		"a bit is flipped": func(_ *testing.T, _ *wire.BaseIndex, c [][]byte) [][]byte { c[0][len(c[0])/2] ^= 4; return c },
		"a bit is flipped, and hashed": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte {
			c[0][len(c[0])/2] ^= 4
			hash(index, c)
			return c
		},
		"it is cut off":                 func(_ *testing.T, _ *wire.BaseIndex, c [][]byte) [][]byte { return [][]byte{c[0][:len(c[0])/2]} },
		"a chunk is missing":            func(*testing.T, *wire.BaseIndex, [][]byte) [][]byte { return [][]byte{nil} },
		"a chunk of another generation": func(*testing.T, *wire.BaseIndex, [][]byte) [][]byte { return earlier },
		"all of another generation, but the head": func(_ *testing.T, index *wire.BaseIndex, _ [][]byte) [][]byte {
			hash(index, earlier)
			return earlier
		},
		"another incarnation": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte {
			index.Incarnation, index.Head.Incarnation = "another", "another"
			return c
		},
		"a newer protocol": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte { index.Protocol = 2; return c },
		"a gigabyte and more": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte {
			index.Bytes = 1 << 40
			return c
		},
		"a gigabyte":      func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte { index.Bytes = 1 << 30; return c },
		"a million parts": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte { index.Chunks = 1_000_000; return c },
		"a sequence that is to come": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte {
			index.Sequence = 1_000_000
			return c
		},
		"the sequence of another head": func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte { index.Sequence = 105; return c },
		"the sequence of a flag":       func(_ *testing.T, index *wire.BaseIndex, c [][]byte) [][]byte { index.Sequence--; return c },
	} {
		t.Run(name, func(t *testing.T) {
			index, bad := good, make([][]byte, len(chunks))
			for i, c := range chunks {
				bad[i] = bytes.Clone(c)
			}
			bad = spoil(t, &index, bad)
			body, err := index.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			o.store(t, wire.BaseIndexPart, body)
			for i, c := range bad {
				o.store(t, wire.BaseChunkPart(i), c)
			}
			r, stop := follow(t, o.Source(t))
			s := r.Await(t, "the flags", delivered)
			stop()
			if len(s.Records) != 154 || s.Records[sourcetest.ID{Key: "last"}] != `1` {
				t.Errorf("%d records, want 154, the last one among them", len(s.Records))
			}
			want := uint64(1)
			if name == "nothing is wrong" {
				want = good.Sequence + 1
			}
			if from := e.from(); from != want {
				t.Errorf("records from sequence %d on were read, want %d", from, want)
			}
		})
	}
	t.Run("the index is none", func(t *testing.T) {
		for _, body := range []string{"", "{}", "666", strings.Repeat("[", 100_000)} {
			o.store(t, wire.BaseIndexPart, []byte(body))
			r, stop := follow(t, o.Source(t))
			r.Await(t, "the flags", func(s sourcetest.State) bool { return len(s.Records) == 154 })
			stop()
			if from := e.from(); from != 1 {
				t.Errorf("records from sequence %d on were read, want 1", from)
			}
		}
	})
	t.Run("it is written anew", func(t *testing.T) {
		o.writeBase(t)
		r, _ := follow(t, o.Source(t))
		r.Await(t, "the flags", func(s sourcetest.State) bool { return len(s.Records) == 154 })
		if from := e.from(); from != 0 {
			t.Errorf("records from sequence %d on were read, want none", from)
		}
	})
}

// store puts something into the stream of the base, as nobody should.
func (o *origin) store(t *testing.T, part string, body []byte) {
	t.Helper()
	ack, err := o.pub.Request("flagline.test.base."+part, body, nats.DefaultTimeout)
	if err != nil || bytes.Contains(ack.Data, []byte(`"error"`)) {
		t.Fatalf("store %s: %s, %v", part, ack.Data, err)
	}
}

func TestStreamOfTheBaseIsDoneWithout(t *testing.T) {
	o := started(t)
	o.commit(t, many(0, 10))
	if _, err := o.pub.Request("$JS.API.STREAM.DELETE.flags-test-base", nil, nats.DefaultTimeout); err != nil {
		t.Fatal(err)
	}
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flags", func(s sourcetest.State) bool { return len(s.Records) == 13 })
}

// 60 readers load while the base is written again and again. Each load is of one
// base and whole: the server answers with the messages of one moment, and what
// is replaced while it answers is missing, which is noticed.
func TestBaseIsWholeWhileItIsRewritten(t *testing.T) {
	o := started(t)
	o.commit(t, many(0, 500))
	o.writeBase(t)
	failed := make(chan error, 60)
	rewritten := make(chan struct{})
	v := verifier{turn: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	for range 60 {
		client := natslog.Reader(natstest.Reader(t, o.server), natstest.Environment)
		wg.Go(func() {
			for {
				if err := v.load(t.Context(), client); err != nil {
					failed <- err
					return
				}
				select {
				case <-rewritten:
					return
				default:
				}
			}
		})
	}
	for i := range 8 {
		o.commit(t, many(i*10, 500))
		o.commit(t, remove(i, 1))
		o.writeBase(t)
	}
	close(rewritten)
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Errorf("a load ended with %v", err)
	}
}

// A verifier loads bases as readers do, and keeps nothing. As its readers share
// a machine, only some have a turn to unpack at the same time.
type verifier struct{ turn chan struct{} }

func (v verifier) load(ctx context.Context, client *natslog.Client) error {
	for tries := 1; ; tries++ {
		index, chunks, err := client.Base(ctx)
		if errors.Is(err, natslog.ErrTornBase) && tries < 20 {
			continue
		}
		if err != nil {
			return err
		}
		if head, err := client.HeadAt(ctx, index.Sequence); err != nil || !index.Stands(head) {
			return fmt.Errorf("the base stands upon %+v: %w", head, err)
		}
		v.turn <- struct{}{}
		_, err = base.Unpack(index, chunks)
		<-v.turn
		return err
	}
}

// One reload that others may have cause for as well is made at once; those that
// follow it closely are put off, and made all the same.
func TestSecondReloadIsPutOffAndMade(t *testing.T) {
	if testing.Short() {
		t.Skip("waits as long as a reload is put off")
	}
	t.Parallel() // it mostly waits
	o := started(t)
	o.commit(t, set("a", `1`))
	r, _ := follow(t, o.Source(t))
	r.Await(t, "the flag", holds("a", `1`))
	for _, key := range []string{"b", "c"} {
		o.Break(t)
		if err := os.RemoveAll(filepath.Join(o.dir, "nats", "jetstream")); err != nil {
			t.Fatal(err)
		}
		nextSecond(t) // epochs are counted in seconds
		o.Mend(t)
		o = started2(t, o)
		o.commit(t, set(key, `1`))
		r.Await(t, "the new log with "+key, holds(key, `1`))
	}
}
