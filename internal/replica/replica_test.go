package replica_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

const env = wire.Environment("test")

var when = time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC)

// A writer makes the records of a log as a publisher would.
type writer struct {
	t     *testing.T
	state *replica.State
	seq   uint64
}

func newWriter(t *testing.T) *writer { return &writer{t: t, state: &replica.State{}} }

func (w *writer) put(key, body string) replica.Record {
	w.seq++
	r := replica.Record{Seq: w.seq, Key: "flag.=." + key, Author: "ada"}
	if body != "" {
		r.Body = []byte(body)
	}
	return r
}

// close ends a generation that consists of records.
func (w *writer) close(records ...replica.Record) []replica.Record {
	w.t.Helper()
	w.seq++
	h := wire.Head{Incarnation: "one", Epoch: 1, Generation: w.state.Generation() + 1, Change: fmt.Sprintf("c%d", w.seq), Part: 1}
	next := w.state.With(records, h, w.seq)
	h.Flags, h.Digest = next.Flags(), next.Digest().String()
	w.state = w.state.With(records, h, w.seq)
	return append(records, w.head(h))
}

func (w *writer) head(h wire.Head) replica.Record {
	w.t.Helper()
	body, err := h.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	return replica.Record{Seq: w.seq, Key: wire.HeadKey, Body: body, Change: h.Change}
}

func offer(l *replica.Log, records ...replica.Record) {
	for _, r := range records {
		l.Offer(r)
	}
}

func body(s *replica.State, flag string) string {
	e, _ := s.Get(wire.Key{Flag: flag})
	return string(e.Body)
}

func advance(t *testing.T, l *replica.Log) *replica.Step {
	t.Helper()
	step, err := l.Advance(nil)
	if err != nil {
		t.Fatal(err)
	}
	return step
}

func TestGenerationIsShownWholeOrNotAtAll(t *testing.T) {
	w := newWriter(t)
	records := w.close(w.put("a", "1"), w.put("b", "2"))
	for missing := range records {
		l := replica.NewLog(env, nil)
		for i, r := range records {
			if i != missing {
				l.Offer(r)
			}
		}
		if step := advance(t, l); step != nil {
			t.Fatalf("without record %d it stepped to generation %d", missing, step.State.Generation())
		}
		if want := records[missing].Seq; l.Missing() != want {
			t.Errorf("Missing() = %d, want %d", l.Missing(), want)
		}
		l.Offer(records[missing])
		step := advance(t, l)
		if step == nil || step.State.Generation() != 1 || step.State.Flags() != 2 || l.Pending() {
			t.Errorf("with record %d, which came late, the step is %+v", missing, step)
		}
	}
}

func TestSeveralGenerationsAreOneStep(t *testing.T) {
	w := newWriter(t)
	records := w.close(w.put("a", "1"))
	records = append(records, w.close(w.put("a", "2"), w.put("b", "1"))...)
	records = append(records, w.close(w.put("b", ""))...)
	half := w.put("c", "1")
	l := replica.NewLog(env, nil)
	offer(l, half)
	offer(l, records...)
	step := advance(t, l)
	if step == nil || step.State.Generation() != 3 || body(step.State, "a") != "2" || step.State.Flags() != 1 {
		t.Fatalf("step is %+v", step)
	}
	if e, _ := step.State.Get(wire.Key{Flag: "a"}); e.Generation != 2 || e.Author != "ada" {
		t.Errorf("a was brought by generation %d of %q, want 2 of ada", e.Generation, e.Author)
	}
	if !l.Pending() {
		t.Error("the record after the last head is gone")
	}
}

func TestPartsAreNotShownBeforeTheCompleteHead(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	first := w.put("a", "1")
	w.seq++
	more := w.head(wire.Head{Incarnation: "one", Epoch: 1, Generation: 1, Change: "c", Part: 1, More: true})
	offer(l, first, more)
	if step := advance(t, l); step != nil || !l.Waiting() {
		t.Fatalf("after the first part: step %+v, waiting %v", step, l.Waiting())
	}
	second := w.put("b", "1")
	offer(l, w.close(first, more, second)...)
	if step := advance(t, l); step == nil || step.State.Flags() != 2 {
		t.Errorf("after the second part the step is %+v", step)
	}
}

func TestWrongDigestIsRefusedUntilALaterHeadIsRight(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", "1"))...)
	advance(t, l)

	records := w.close(w.put("a", "2"))
	records[0].Body = []byte("3") // not what the head's digest was made of
	offer(l, records...)
	step, err := l.Advance(nil)
	refused, ok := errors.AsType[*replica.RejectError](err)
	if step != nil || !ok || refused.Head.Generation != 2 {
		t.Fatalf("step %+v, error %v; want generation 2 refused", step, err)
	}
	if got := body(l.State(), "a"); got != "1" {
		t.Errorf("a is %s, want the last good 1", got)
	}

	offer(l, w.close(w.put("a", "4"))...)
	if step := advance(t, l); step == nil || body(step.State, "a") != "4" {
		t.Errorf("after a right head the step is %+v", step)
	}
}

// Where a change was overwritten by the next one, the digest alone would not
// notice that the first is missing.
func TestNothingIsMissingThoughTheDigestAgrees(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", "1"))...)
	advance(t, l)
	lost := w.close(w.put("a", "2"))
	offer(l, w.close(w.put("a", "3"))...)
	if step := advance(t, l); step != nil {
		t.Errorf("it stepped over sequences %d and %d", lost[0].Seq, lost[1].Seq)
	}
	offer(l, lost...)
	if step := advance(t, l); step == nil || step.State.Generation() != 3 || len(step.Records) != 4 {
		t.Errorf("when nothing is missing the step is %+v", step)
	}
}

func TestRecordsAreNotShownWithoutAHead(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", "1"))...)
	advance(t, l)
	offer(l, w.put("a", "2"))
	if step := advance(t, l); step != nil || body(l.State(), "a") != "1" {
		t.Errorf("a record that no head closes is shown: %+v", step)
	}
}

func TestGenerationsNeverGoBack(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", "1"))...)
	offer(l, w.close(w.put("a", "2"))...)
	advance(t, l)
	seq := l.State().Seq
	for name, h := range map[string]wire.Head{
		"the same generation": {Incarnation: "one", Epoch: 1, Generation: 2, Change: "x", Part: 1, Digest: l.State().Head.Digest, Flags: 1},
		"a lower generation":  {Incarnation: "one", Epoch: 1, Generation: 1, Change: "x", Part: 1, Digest: l.State().Head.Digest, Flags: 1},
		"another incarnation": {Incarnation: "two", Epoch: 9, Generation: 3, Change: "x", Part: 1, Digest: l.State().Head.Digest, Flags: 1},
	} {
		l := replica.NewLog(env, l.State())
		w.seq = seq + 1
		offer(l, w.head(h))
		if step, err := l.Advance(nil); err == nil || step != nil {
			t.Errorf("%s: step %+v, error %v; want it refused", name, step, err)
		}
	}
	if l.Offer(replica.Record{Seq: seq, Key: "flag.=.a", Body: []byte("old")}) {
		t.Error("a record at the sequence of the state is taken")
	}
}

func TestStrayRecordsDoNoHarm(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	w.seq = 3
	offer(l, replica.Record{Seq: 1, Key: "nonsense", Body: []byte("x")},
		replica.Record{Seq: 2, Key: wire.HeadKey, Body: []byte("x")},
		replica.Record{Seq: 3, Key: "flag.=.a=41", Body: []byte("x")})
	offer(l, w.close(w.put("a", "1"))...)
	if step := advance(t, l); step == nil || step.State.Flags() != 1 || len(step.State.Keys()) != 1 {
		t.Errorf("step is %+v", step)
	}
}

func TestSnapshotIsRestored(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", `{"x":"<&>"}`), w.put("b", "not even JSON \xff"))...)
	offer(l, w.close(w.put("a", "2"))...)
	advance(t, l)
	dir := filepath.Join(t.TempDir(), "made")
	if err := replica.Save(dir, env, l.State(), when); err != nil {
		t.Fatal(err)
	}
	got, confirmed, err := replica.Restore(dir, env)
	if err != nil {
		t.Fatal(err)
	}
	if got.Seq != l.State().Seq || !reflect.DeepEqual(got.Head, l.State().Head) || got.Digest() != l.State().Digest() || body(got, "b") != "not even JSON \xff" {
		t.Errorf("restored %+v, want %+v", got, l.State())
	}
	if !confirmed.Equal(when) {
		t.Errorf("confirmed at %v, want %v", confirmed, when)
	}
	if e, _ := got.Get(wire.Key{Flag: "b"}); e.Generation != 1 {
		t.Errorf("b was brought by generation %d, want 1", e.Generation)
	}
	if s, _, err := replica.Restore(t.TempDir(), env); s != nil || err != nil {
		t.Errorf("from an empty directory: %v, %v", s, err)
	}
	if s, _, err := replica.Restore(dir, "other"); s != nil || err != nil {
		t.Errorf("for another environment: %v, %v", s, err)
	}
}

func TestDamagedSnapshotIsSetAside(t *testing.T) {
	w := newWriter(t)
	l := replica.NewLog(env, nil)
	offer(l, w.close(w.put("a", "1"))...)
	advance(t, l)
	dir := t.TempDir()
	if err := replica.Save(dir, env, l.State(), when); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "test.snapshot")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := append([]byte(nil), whole...)
		flipped[i] ^= 1 << (i % 8)
		for what, data := range map[string][]byte{"flipped": flipped, "cut": whole[:i]} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, _, err := replica.Restore(dir, env); s != nil || err == nil {
				t.Fatalf("%s at %d: restored %+v, error %v", what, i, s, err)
			}
			if _, err := os.Stat(path + ".broken"); err != nil {
				t.Fatalf("%s at %d: not set aside: %v", what, i, err)
			}
		}
	}
}

// A number that was invented would be the last one there is.
func TestGenerationsAreNotSkipped(t *testing.T) {
	for _, jump := range []uint64{2, 1 << 40, ^uint64(0)} {
		w := newWriter(t)
		l := replica.NewLog(env, nil)
		offer(l, w.close(w.put("a", "1"))...)
		advance(t, l)
		w.state.Head.Generation = jump - 1
		offer(l, w.close(w.put("a", "2"))...)
		if step, err := l.Advance(nil); jump > 2 && (err == nil || step != nil) || jump == 2 && err != nil {
			t.Errorf("generation %d after 1: step %+v, error %v", jump, step, err)
		}
	}
}

// Whoever may write, but not sign, can show an old signed head once more. Where
// the newer one stands before it, it does not count, also for who comes new.
func TestOldSignedHeadShownOnceMoreDoesNotCount(t *testing.T) {
	w := newWriter(t)
	first := w.close(w.put("a", "1"))
	second := w.close(w.put("a", "2"))
	w.seq += 2
	copied := []replica.Record{{Seq: w.seq - 1, Key: "flag.=.a", Body: []byte("1")}, first[len(first)-1]}
	copied[1].Seq = w.seq

	for name, vouch := range map[string]func(wire.Head) error{
		"signed":   func(wire.Head) error { return nil },
		"unsigned": func(wire.Head) error { return errors.New("not signed") },
	} {
		l := replica.NewLog(env, nil)
		l.Vouch = vouch
		offer(l, first...)
		offer(l, second...)
		offer(l, copied...)
		step, err := l.Advance(nil)
		want := map[string]uint64{"signed": 2, "unsigned": 1}[name]
		if step == nil || step.State.Generation() != want || (err != nil) != (name == "signed") {
			t.Errorf("%s: step to %+v, error %v; want generation %d", name, step, err, want)
		}
	}
}
