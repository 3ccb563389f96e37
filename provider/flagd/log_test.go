package flagd_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/flagline/flagline/provider/flagd"
)

var discard = logr.Discard()

// recorder returns a logger and what it has logged, up to a level.
func recorder(verbosity int) (logr.Logger, *journal) {
	j := new(journal)
	return funcr.New(func(prefix, args string) { j.add(prefix + args) }, funcr.Options{Verbosity: verbosity}), j
}

func TestBadVariablesAreLoggedAndPassedOver(t *testing.T) {
	t.Setenv("FLAGD_PORT", "80x")
	t.Setenv("FLAGD_CACHE", "redis")
	log, logged := recorder(0)
	p := newProvider(t, flagd.WithLogger(log), flagd.WithFatalStatusCodes([]string{"OUT_OF_LUCK"}))
	if p == nil {
		t.Fatal("there is no provider")
	}
	for _, want := range []string{`FLAGD_PORT=\"80x\"`, `FLAGD_CACHE=\"redis\"`, `OUT_OF_LUCK`} {
		if !slices.ContainsFunc(logged.all(), func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("%s is not among what is logged: %q", want, logged.all())
		}
	}
	if n := len(logged.all()); n != 3 {
		t.Errorf("%d lines are logged, want 3: %q", n, logged.all())
	}
}

func TestAttemptsThatAreNotCountedAreMentioned(t *testing.T) {
	log, logged := recorder(2)
	newProvider(t, flagd.WithLogger(log), flagd.WithEventStreamConnectionMaxAttempts(3))
	if got := logged.all(); len(got) != 1 || !strings.Contains(got[0], "retry for ever") {
		t.Errorf("it logs %q, want that it retries for ever", got)
	}
}

func TestRecordsReachALogrLoggerAtTheirLevel(t *testing.T) {
	for verbosity, want := range []int{2, 3, 4} { // and errors always
		log, logged := recorder(verbosity)
		l := slog.New(flagd.Handler(&log)).With("set", "shop").WithGroup("g")
		l.Error("it broke", "err", errors.New("the wire"), "flag", "a")
		l.Warn("it mended", "attempt", 2)
		l.Info("it changed")
		l.Debug("it goes on")
		if got := logged.all(); len(got) != want {
			t.Errorf("at verbosity %d it logs %q, want %d lines", verbosity, got, want)
		}
		if verbosity == 2 {
			want := []string{
				`"msg"="it broke" "error"="the wire" "set"="shop" "g.flag"="a"`,
				`"level"=0 "msg"="it mended" "set"="shop" "g.attempt"=2`,
				`"level"=1 "msg"="it changed" "set"="shop"`,
				`"level"=2 "msg"="it goes on" "set"="shop"`,
			}
			if got := logged.all(); !slices.Equal(got, want) {
				t.Errorf("it logs\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
	slog.New(flagd.Handler(&logr.Logger{})).Error("nobody hears it", "err", errors.New("x"))
}
