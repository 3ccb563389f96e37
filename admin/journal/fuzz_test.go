package journal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// history makes a log as a publisher would, in which a flag has one body after
// the other.
func history(t testing.TB, bodies ...string) []*replica.Step {
	t.Helper()
	l := replica.NewLog(env, nil)
	var steps []*replica.Step
	for i, text := range bodies {
		generation, seq := uint64(i+1), uint64(2*i+1)
		records := []replica.Record{{Seq: seq, Key: "flag.=.a", Body: []byte(text), Change: "c", Author: "ada"}}
		head := wire.Head{Incarnation: "one", Epoch: 7, Generation: generation, Change: "c", Part: 1}
		next := l.State().With(records, head, seq+1)
		head.Flags, head.Digest = next.Flags(), next.Digest().String()
		body, err := head.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		l.Offer(records[0])
		l.Offer(replica.Record{Seq: seq + 1, Key: wire.HeadKey, Body: body, Change: "c", Author: "ada"})
		step, err := l.Advance(nil)
		if err != nil || step == nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func write(t testing.TB, steps []*replica.Step) []byte {
	t.Helper()
	var buf bytes.Buffer
	_, err := journal.Backup(&buf, env, func(yield func(*replica.Step, error) bool) {
		for _, step := range steps {
			if !yield(step, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Whatever a file holds, reading it ends, and what it yields without an error
// can be written and read again.
func FuzzReader(f *testing.F) {
	good := write(f, history(f, `{"i":0}`, `{"i":1}`, `{"i":2}`))
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("flagline-journal 1\n"))
	f.Add([]byte("flagline-journal 1\n\xff\xff\xff\xff\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "backup")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := journal.OpenBackup(file)
		if err != nil || src.Environment != env {
			return
		}
		var steps []*replica.Step
		for step, err := range src.Generations() {
			if err != nil {
				return
			}
			steps = append(steps, step)
		}
		if len(steps) == 0 {
			return
		}
		again := filepath.Join(dir, "again")
		if err := os.WriteFile(again, write(t, steps), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err = journal.OpenBackup(again)
		if err != nil {
			t.Fatal(err)
		}
		best, err := journal.Choose([]*journal.Source{src})
		if last := steps[len(steps)-1].State; err != nil || best.Head.Digest != last.Head.Digest || best.Changes != len(steps) {
			t.Errorf("written again it is %+v, %v", best, err)
		}
	})
}
