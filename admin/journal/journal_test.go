package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/journal"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

const env = wire.Environment(natstest.Environment)

// A plane is an environment on a real server, and a keeper of its journal.
type plane struct {
	t      *testing.T
	ledger *ledger.Ledger
	client *natslog.Client
}

func newPlane(t *testing.T) *plane {
	t.Helper()
	nc := natstest.Publisher(t, natstest.Start(t))
	l, err := ledger.Open(t.Context(), nc, ledger.Config{Environment: string(env)})
	if err != nil {
		t.Fatal(err)
	}
	return &plane{t, l, natslog.Owner(nc, env)}
}

// put changes each of keys to body, or deletes it if body is empty.
func (p *plane) put(body string, keys ...string) {
	p.t.Helper()
	_, err := p.ledger.Commit(p.t.Context(), admin.Draft{
		Author: "ada@example.com", Reason: "größer",
		Plan: func(admin.State) (edits []admin.Edit, err error) {
			for _, key := range keys {
				e := admin.Edit{Key: key}
				if body != "" {
					e.Body = []byte(body)
				}
				edits = append(edits, e)
			}
			return edits, nil
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// keep brings the journal in dir up to date, with a keeper of its own.
func (p *plane) keep(dir string) {
	p.t.Helper()
	k, err := journal.NewKeeper(dir, p.client, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer k.Close()
	if err := k.CatchUp(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// backup writes a backup of the log into a file.
func (p *plane) backup() string {
	p.t.Helper()
	var buf bytes.Buffer
	if _, err := journal.Backup(&buf, env, journal.Whole(p.t.Context(), p.client)); err != nil {
		p.t.Fatal(err)
	}
	file := filepath.Join(p.t.TempDir(), "test.backup")
	if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}

// only opens the one journal that is in dir.
func only(t *testing.T, dir string) *journal.Source {
	t.Helper()
	sources, err := journal.OpenDirectory(dir, env)
	if err != nil || len(sources) != 1 {
		t.Fatalf("%d journals, %v; want one", len(sources), err)
	}
	return sources[0]
}

// tell lists all that a source holds, in a form that can be compared.
func tell(src *journal.Source) (story string, last *replica.State, err error) {
	var b strings.Builder
	for step, err := range src.Generations() {
		if err != nil {
			return b.String(), last, err
		}
		last = step.State
		for _, r := range step.Records {
			fmt.Fprintf(&b, "%d %d %s %s %s %s %s %s\n", r.Generation, r.Seq, r.Key, r.Body, r.Change, r.Author, r.Reason, r.Time)
		}
	}
	return b.String(), last, nil
}

func mustTell(t *testing.T, src *journal.Source) (string, *replica.State) {
	t.Helper()
	story, last, err := tell(src)
	if err != nil {
		t.Fatal(err)
	}
	return story, last
}

// segment is the newest file of the one journal in dir.
func segment(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, string(env), "*", "*.journal"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return files[len(files)-1]
}

func TestJournalAndBackupHoldWhatTheLogHolds(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	p.put(`{"a":1}`, "a", "b")
	p.keep(dir)
	p.put("", "b")
	p.put(`{"a":2}`, "a")
	p.keep(dir) // opened again, it goes on where it ended
	p.keep(dir)

	kept, state := mustTell(t, only(t, dir))
	if state.Digest().String() != p.ledger.State().Digest() || state.Generation() != 4 || state.Flags() != 1 {
		t.Errorf("the journal ends with generation %d, %d flags, digest %s", state.Generation(), state.Flags(), state.Digest())
	}
	for _, want := range []string{`2 2 flag.=.a {"a":1}`, "3 5 flag.=.b  ", "ada@example.com", "größer"} {
		if !strings.Contains(kept, want) {
			t.Errorf("the journal does not tell of %q:\n%s", want, kept)
		}
	}
	src, err := journal.OpenBackup(p.backup())
	if err != nil {
		t.Fatal(err)
	}
	if saved, _ := mustTell(t, src); saved != kept {
		t.Errorf("the backup tells\n%sand the journal\n%s", saved, kept)
	}
}

func TestJournalIsWrittenInSegments(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	large := `"` + strings.Repeat("x", 900_000) + `"`
	for i := range 30 { // 81 MB in base64, and more than one segment has
		p.put(large, fmt.Sprint("a", i), fmt.Sprint("b", i))
	}
	p.keep(dir)
	files, err := filepath.Glob(filepath.Join(dir, string(env), "*", "*.journal"))
	if err != nil || len(files) != 2 {
		t.Errorf("segments are %v, %v; want two", files, err)
	}
	p.put(`{}`, "last")
	p.keep(dir)
	if _, state := mustTell(t, only(t, dir)); state.Flags() != 61 {
		t.Errorf("the journal ends with %d flags, want 61", state.Flags())
	}
}

// A crash may leave any beginning of what was being written.
func TestTornEndIsCutOffAndReadAgain(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	p.put(`{"a":1}`, "a")
	p.keep(dir)
	file := segment(t, dir)
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.put(`{"a":2}`, "a")
	p.keep(dir)
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole, _ := mustTell(t, only(t, dir))

	for cut := len(before); cut < len(after); cut++ {
		if err := os.WriteFile(file, after[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		_, last, err := tell(only(t, dir))
		damaged, ok := errors.AsType[*journal.DamageError](err)
		if cut == len(before) && err != nil || cut > len(before) && (!ok || damaged.Generation != 2) || last.Generation() != 2 {
			t.Fatalf("cut at %d of %d: generation %d, %v", cut, len(after), last.Generation(), err)
		}
		if cut%10 == 0 {
			p.keep(dir)
			if got, _ := mustTell(t, only(t, dir)); got != whole {
				t.Fatalf("cut at %d and kept again, the journal tells\n%s", cut, got)
			}
		}
	}
}

// What is damaged in the middle is not thrown away: it may be all there is.
func TestDamageInTheMiddleIsPutAsideAndReadAgain(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	for i := range 5 {
		p.put(fmt.Sprintf(`{"a":%d}`, i), "a")
	}
	p.keep(dir)
	whole, _ := mustTell(t, only(t, dir))
	file := segment(t, dir)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(data)
	damaged[len(damaged)/2] ^= 4
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	_, last, err := tell(only(t, dir))
	if _, ok := errors.AsType[*journal.DamageError](err); !ok || last.Generation() < 2 || last.Generation() > 4 {
		t.Fatalf("generation %d, %v; want damage", last.Generation(), err)
	}

	p.keep(dir)
	if got, _ := mustTell(t, only(t, dir)); got != whole {
		t.Errorf("kept again, the journal tells\n%s", got)
	}
	aside, err := os.ReadFile(file + ".cut")
	if err != nil || !bytes.HasSuffix(damaged, aside) {
		t.Errorf("%d bytes are put aside, %v", len(aside), err)
	}
}

func TestBackupWithOneWrongBitIsRefusedWithThePlace(t *testing.T) {
	p := newPlane(t)
	p.put(`{"a":1}`, "a")
	file := p.backup()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := journal.OpenBackup(file)
		if err == nil {
			_, err = journal.Choose([]*journal.Source{src})
		}
		damaged, ok := errors.AsType[*journal.DamageError](err)
		if !ok || damaged.Path != file || !strings.Contains(err.Error(), "at byte") {
			t.Fatalf("%s: %v; want the place of the damage", what, err)
		}
	}
	for bit := range 8 * len(data) {
		wrong := bytes.Clone(data)
		wrong[bit/8] ^= 1 << (bit % 8)
		check(fmt.Sprint("bit ", bit), wrong)
	}
	for size := range data {
		check(fmt.Sprint("size ", size), data[:size])
	}
	check("a byte more", append(bytes.Clone(data), 0))
}

func TestTheSourceThatGoesFurthestIsChosen(t *testing.T) {
	p, behind, ahead := newPlane(t), t.TempDir(), t.TempDir()
	p.put(`{"a":1}`, "a")
	p.keep(behind)
	saved := p.backup()
	p.put(`{"a":2}`, "a")
	p.keep(ahead)

	backup, err := journal.OpenBackup(saved)
	if err != nil {
		t.Fatal(err)
	}
	best, err := journal.Choose([]*journal.Source{only(t, behind), only(t, ahead), backup})
	if err != nil || best.Source.Path != only(t, ahead).Path || best.Generation() != 3 || best.Changes != 3 {
		t.Errorf("chosen is %+v, %v; want the one that is ahead", best, err)
	}
}

// Two logs of the same incarnation that differ: one of them is not what was
// published.
func TestSourcesThatContradictEachOtherAreNamed(t *testing.T) {
	var files []string
	var sources []*journal.Source
	for _, last := range []string{`{"i":2}`, `{"i":7}`} {
		file := filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(file, write(t, history(t, `{"i":0}`, `{"i":1}`, last)), 0o600); err != nil {
			t.Fatal(err)
		}
		src, err := journal.OpenBackup(file)
		if err != nil {
			t.Fatal(err)
		}
		files, sources = append(files, file), append(sources, src)
	}
	_, err := journal.Choose(sources)
	conflict, ok := errors.AsType[*journal.ConflictError](err)
	if !ok || conflict.Generation != 3 || conflict.A != files[0] || conflict.B != files[1] {
		t.Errorf("%v; want an error that names both", err)
	}
}

// A log that was lost and made again has a higher epoch, and nothing in it.
func TestWhatWasMadeAgainAndHoldsNothingDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	p := newPlane(t)
	p.put(`{"a":1}`, "a")
	p.keep(dir)
	// Epochs count seconds: one made in the same second would be a tie.
	for _, epoch := p.ledger.Incarnation(); uint64(time.Now().Unix()) <= epoch; {
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	again := newPlane(t) // on another server
	again.keep(dir)
	sources, err := journal.OpenDirectory(dir, env)
	if err != nil || len(sources) != 2 {
		t.Fatalf("%d journals, %v; want two", len(sources), err)
	}
	best, err := journal.Choose(sources)
	if err != nil || best.Generation() != 2 || best.Head.Digest != p.ledger.State().Digest() {
		t.Errorf("chosen is generation %d, %v", best.Generation(), err)
	}
	again.put(`{"a":2}`, "a")
	again.put(`{"a":3}`, "a")
	again.keep(dir)
	best, err = journal.Choose(sources)
	if err != nil || best.Head.Digest != again.ledger.State().Digest() {
		t.Errorf("chosen is generation %d, %v; want the later incarnation", best.Generation(), err)
	}
}

func TestOneKeeperAtATime(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	k, err := journal.NewKeeper(dir, p.client, nil)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := journal.NewKeeper(dir, p.client, nil); err == nil {
		second.Close()
		t.Error("two keepers share a journal")
	}
	k.Close()
	p.keep(dir)
}

// A journal that cannot be written stops nothing, and is complete once it can.
func TestJournalThatFailsIsCaughtUpLater(t *testing.T) {
	p, dir := newPlane(t), t.TempDir()
	inTheWay := filepath.Join(dir, string(env))
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100)
	logger := slog.New(slog.NewTextHandler(lines(said), nil))
	ctx, cancel := context.WithCancel(t.Context())
	wake, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		journal.Follow(ctx, dir, p.client, wake, logger)
	}()
	defer func() { cancel(); <-done }()
	if text := <-said; !strings.Contains(text, "fall behind with the journal") {
		t.Errorf("it says %s", text)
	}
	p.put(`{"a":1}`, "a")
	wake <- struct{}{}

	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	wake <- struct{}{}
	if text := <-said; !strings.Contains(text, "keep the journal again") {
		t.Errorf("it says %s", text)
	}
	p.put(`{"a":2}`, "a")
	wake <- struct{}{}
	wake <- struct{}{} // taken once the one before was seen to
	if _, state := mustTell(t, only(t, dir)); state.Digest().String() != p.ledger.State().Digest() {
		t.Errorf("the journal ends with generation %d", state.Generation())
	}
}

// lines sends what is written.
type lines chan<- string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}
