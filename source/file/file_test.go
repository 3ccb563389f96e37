package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
	"github.com/flagline/flagline/source/sourcetest"
)

func TestNameIsThePath(t *testing.T) {
	if got := file.New("./flags.json").Name(); got != "./flags.json" {
		t.Errorf("Name() = %q, want ./flags.json", got)
	}
}

func TestEveryDeliveryIsAWholeNumberedState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	replace(t, path, two)
	s := awaitFlag(t, r, "a", "2")
	for i, u := range s.Updates {
		if u.Version.Generation != uint64(i+1) || !u.Replace || u.Version.Time.IsZero() {
			t.Errorf("update %d is generation %d of %v, replace %v", i, u.Version.Generation, u.Version.Time, u.Replace)
		}
	}
}

func TestEditInPlaceIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	must(t, os.WriteFile(path, []byte(one), 0o644))
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	must(t, os.WriteFile(path, []byte(two), 0o644))
	awaitFlag(t, r, "a", "2")
}

func TestEditOfTheSameLengthAndTimeIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	must(t, os.WriteFile(path, []byte(one), 0o644))
	info, err := os.Stat(path)
	must(t, err)
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	must(t, os.WriteFile(path, []byte(two), 0o644))
	must(t, os.Chtimes(path, time.Time{}, info.ModTime()))
	awaitFlag(t, r, "a", "2")
}

func TestSameContentIsNotDeliveredAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	r := watch(t, path)
	s := awaitWell(t, r)
	replace(t, path, one)
	must(t, os.Remove(path))
	awaitErr(t, r, path)
	replace(t, path, one)
	if after := awaitWell(t, r); len(after.Updates) != len(s.Updates) {
		t.Errorf("the same content made %d updates of %d", len(after.Updates), len(s.Updates))
	}
}

func TestDeletedFileIsFoundWhenItReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	for _, text := range []string{two, one} {
		must(t, os.Remove(path))
		if s := awaitErr(t, r, path); s.Status.Connected || len(s.Records) == 0 {
			t.Errorf("without a file: connected %v, %d records", s.Status.Connected, len(s.Records))
		}
		must(t, os.WriteFile(path, []byte(text), 0o644))
		awaitWell(t, r)
	}
	awaitFlag(t, r, "a", "1")
}

func TestDirectoryMayVanishAndReturn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config")
	path := filepath.Join(dir, "flags.json")
	r := watch(t, path) // before either exists
	awaitErr(t, r, path)
	for _, text := range []string{one, two} {
		must(t, os.MkdirAll(dir, 0o755))
		replace(t, path, text)
		awaitWell(t, r)
		must(t, os.RemoveAll(dir))
		awaitErr(t, r, path)
	}
	awaitFlag(t, r, "a", "2")
}

func TestConfigMapSwapIsNoticed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "flags.json")
	swap := func(version, text string) {
		t.Helper()
		must(t, os.Mkdir(filepath.Join(dir, version), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, version, "flags.json"), []byte(text), 0o644))
		old, _ := os.Readlink(filepath.Join(dir, "..data"))
		must(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
		if old != "" {
			must(t, os.RemoveAll(filepath.Join(dir, old)))
		}
	}
	swap("..2026_01_01", one)
	must(t, os.Symlink(filepath.Join("..data", "flags.json"), path))
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	swap("..2026_01_02", two)
	awaitFlag(t, r, "a", "2")
	swap("..2026_01_03", one)
	awaitFlag(t, r, "a", "1")
}

func TestFileBehindALinkElsewhereIsNoticedByTheInterval(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.json") // no notification tells of it
	must(t, os.WriteFile(target, []byte(one), 0o644))
	path := filepath.Join(t.TempDir(), "flags.json")
	must(t, os.Symlink(target, path))
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	must(t, os.WriteFile(target, []byte(two), 0o644))
	awaitFlag(t, r, "a", "2")
}

func TestNotificationsDoNotWaitForTheInterval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	r := watch(t, path, file.WithInterval(time.Hour))
	awaitFlag(t, r, "a", "1")
	replace(t, path, two)
	awaitFlag(t, r, "a", "2")
}

func TestYAMLIsReadByItsExtension(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.yaml")
	replace(t, path, "flags:\n  a: {n: 1}\n")
	r := watch(t, path)
	awaitFlag(t, r, "a", "1")
	replace(t, path, "flags:\n  a: {n: .inf}\n")
	s := awaitErr(t, r, path+": line 2: JSON has no number .inf")
	if !s.Status.Connected {
		t.Error("a file with a mistake counts as out of reach")
	}
}

func TestBadContentKeepsTheLastGoodFlagsAndNamesThePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	r := watch(t, path)
	good := awaitWell(t, r)
	for text, want := range map[string]string{
		"":                         "the file is empty",
		" \n":                      "the file is empty",
		"{\n  \"flags\": {,\n}}":   "line 2, column 13: not JSON",
		`{"metadata":{}}`:          `the document has no member "flags"`,
		`{"flags":[{"n":1},{}]}`:   `/flags/0: the flag has no "key"`,
		strings.TrimSpace(one)[1:]: "line 1, column 8: not JSON",
	} {
		replace(t, path, text)
		s := awaitErr(t, r, path+": "+want)
		if len(s.Updates) != len(good.Updates) || !s.Status.Connected {
			t.Errorf("%q made %d updates, connected %v", text, len(s.Updates)-len(good.Updates), s.Status.Connected)
		}
	}
	at := r.State().Status.Confirmed
	replace(t, path, two)
	awaitFlag(t, r, "a", "2")
	if s := awaitWell(t, r); !s.Status.Confirmed.After(at) {
		t.Errorf("confirmed at %v, want later than %v", s.Status.Confirmed, at)
	}
}

func TestWhatIsNotAFileIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	must(t, os.Mkdir(path, 0o755))
	r := watch(t, path)
	awaitErr(t, r, path+": this is not a regular file")
	must(t, os.Remove(path))
	replace(t, path, one)
	awaitFlag(t, r, "a", "1")
}

func TestWatchingAgainDeliversAgainAndCountsOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	replace(t, path, one)
	src := file.New(path)
	for generation := range uint64(3) {
		ctx, cancel := context.WithCancel(t.Context())
		r := new(sourcetest.Recorder)
		done := make(chan error)
		go func() { done <- src.Watch(ctx, r) }()
		s := awaitFlag(t, r, "a", "1")
		if got := s.Updates[0].Version.Generation; got != generation+1 {
			t.Errorf("watch %d begins with generation %d, want %d", generation, got, generation+1)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	one = `{"flags":{"a":{"n":1}}}`
	two = `{"flags":{"a":{"n":2}}}`
)

// watch watches path until the test ends. Notifications are on; the interval
// is short, so that tests are quick without them, too.
func watch(t *testing.T, path string, options ...file.Option) *sourcetest.Recorder {
	t.Helper()
	src := file.New(path, append([]file.Option{file.WithInterval(20 * time.Millisecond)}, options...)...)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := new(sourcetest.Recorder)
	done := make(chan error)
	go func() { done <- src.Watch(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
	return r
}

// awaitFlag waits until flag key is the object {"n":n}.
func awaitFlag(t *testing.T, r *sourcetest.Recorder, key, n string) sourcetest.State {
	t.Helper()
	return r.Await(t, "flag "+key+" to be "+n, func(s sourcetest.State) bool {
		return s.Records[sourcetest.ID{Key: key}] == `{"n":`+n+`}`
	})
}

func awaitWell(t *testing.T, r *sourcetest.Recorder) sourcetest.State {
	t.Helper()
	return r.Await(t, "a report that all is well", func(s sourcetest.State) bool {
		return s.Status.Connected && s.Status.Err == nil
	})
}

func awaitErr(t *testing.T, r *sourcetest.Recorder, part string) sourcetest.State {
	t.Helper()
	return r.Await(t, "an error that says "+part, func(s sourcetest.State) bool {
		return s.Status.Err != nil && strings.Contains(s.Status.Err.Error(), part)
	})
}

var _ source.Source = (*file.Source)(nil)
