package sloghook_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider/flagtest"
	"github.com/flagline/flagline/provider/sloghook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var nobody openfeature.EvaluationContext

// A book is what was logged.
type book struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// take returns the lines that were written since the last time.
func (b *book) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return strings.FieldsFunc(b.text.String(), func(r rune) bool { return r == '\n' })
}

// open returns a client whose failures are logged, to b.
func open(t *testing.T, options ...sloghook.Option) (b *book, flags *flagtest.Flags, client *openfeature.Client) {
	t.Helper()
	b = new(book)
	logger := slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: timeless}))
	flags = flagtest.New(t)
	flags.API().AddHooks(sloghook.New(logger, options...))
	return b, flags, flags.Client()
}

// timeless leaves out the time.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestFailingFlagIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged, flags, client := open(t)
		flags.Set("sound", true)
		for minute := range 3 {
			for range 600 {
				client.Boolean(t.Context(), "sound", false, nobody)
				client.Boolean(t.Context(), "gone", false, nobody)
				client.String(t.Context(), "sound", "", nobody)
				time.Sleep(100 * time.Millisecond)
			}
			got := logged.take()
			if len(got) != 2 || !strings.Contains(got[0], "flag=gone") || !strings.Contains(got[1], "flag=sound") {
				t.Fatalf("in minute %d are logged:\n%s", minute, strings.Join(got, "\n"))
			}
		}
	})
}

func TestLineSaysWhatFailedAndNothingOfWhoAsked(t *testing.T) {
	logged, _, client := open(t)
	ada := openfeature.NewEvaluationContext("ada-7", map[string]any{"email": "ada@example.com"})
	client.String(t.Context(), "gone", "my default", ada)
	want := `level=WARN msg="answer with the default value" flag=gone err="error code: FLAG_NOT_FOUND: flag \"gone\": there is no such flag"`
	if got := logged.take(); len(got) != 1 || got[0] != want {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestSuccessesAreNotLogged(t *testing.T) {
	logged, flags, client := open(t)
	flags.Set("sound", true)
	client.Boolean(t.Context(), "sound", false, nobody)
	flags.Disable("sound")
	client.Boolean(t.Context(), "sound", false, nobody)
	if got := logged.take(); len(got) != 0 {
		t.Errorf("logged %q", got)
	}
}

func TestEachFailureIsLoggedWithoutAnInterval(t *testing.T) {
	logged, _, client := open(t, sloghook.WithInterval(0), sloghook.WithLevel(slog.LevelError))
	for range 3 {
		client.Boolean(t.Context(), "gone", false, nobody)
	}
	got := logged.take()
	if len(got) != 3 || !strings.HasPrefix(got[0], "level=ERROR ") {
		t.Errorf("logged\n%s\nwant three lines of level ERROR", strings.Join(got, "\n"))
	}
}

func TestWhatTheLoggerDoesNotWantIsNotCountedAsSaid(t *testing.T) {
	b := new(book)
	var level slog.LevelVar
	level.Set(slog.LevelError)
	flags := flagtest.New(t)
	flags.API().AddHooks(sloghook.New(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: &level}))))
	client := flags.Client()
	client.Boolean(t.Context(), "gone", false, nobody)
	level.Set(slog.LevelInfo)
	client.Boolean(t.Context(), "gone", false, nobody)
	if got := b.take(); len(got) != 1 {
		t.Errorf("logged %q, want the second failure", got)
	}
}

func TestMadeUpKeysFloodNeitherLogNorMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged, _, client := open(t)
		for i := range 5000 {
			client.Boolean(t.Context(), fmt.Sprint("flag-", i), false, nobody)
		}
		if n := len(logged.take()); n != 1001 {
			t.Errorf("logged %d lines, want one for each of 1,000 flags and one for all others", n)
		}
		time.Sleep(2 * time.Minute)
		client.Boolean(t.Context(), "flag-4999", false, nobody)
		client.Boolean(t.Context(), "flag-4998", false, nobody)
		if n := len(logged.take()); n != 2 {
			t.Errorf("logged %d lines after a while, want 2", n)
		}
	})
}

func TestNoLoggerIsSilence(t *testing.T) {
	flags := flagtest.New(t)
	flags.API().AddHooks(sloghook.New(nil))
	flags.Client().Boolean(t.Context(), "gone", false, nobody)
}
