//go:build unix

package outage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// An origin that is killed and comes back is told of as it should be, both to who
// gives it time and to who does not; in-process evaluations notice nothing, and
// nobody but who was not there sees anything older than before.
func TestOriginIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		gives, takes := run(t, append(o.options(t), patient())...), run(t, append(o.options(t), hasty())...)
		both := []*app{gives, takes}
		for _, a := range both {
			if a.err != nil {
				t.Fatal(a.err)
			}
			a.awaitNumber(t, 1)
		}
		work := begin(t, m, both...)
		for round := range 3 {
			before := int64(round + 1)
			o.kill(t)
			gives.awaitEvents(t, "STALE")
			gives.await(t, openfeature.StaleState)
			takes.awaitEvents(t, "STALE ERROR")
			takes.await(t, openfeature.ErrorState)
			if got := gives.number(t.Context()); got != before {
				t.Errorf("in STALE the number is %d, want the last that was known, %d", got, before)
			}
			want := before
			if !m.local {
				want = -1
			}
			if got := takes.number(t.Context()); got != want {
				t.Errorf("in ERROR the number is %d, want %d", got, want)
			}
			o.set(t, int(before+1))
			o.restart(t)
			for _, a := range both {
				a.await(t, openfeature.ReadyState)
				a.awaitNumber(t, before+1)
				eventually(t, "news with READY", func() string {
					if told := a.states(true); !strings.Contains(told[strings.LastIndex(told, "READY"):], "CHANGED") {
						return told
					}
					return ""
				})
			}
		}
		if got := gives.states(false); got != "STALE READY STALE READY STALE READY" {
			t.Errorf("with time, it tells %s", got)
		}
		if got := takes.states(false); got != "STALE ERROR READY STALE ERROR READY STALE ERROR READY" {
			t.Errorf("without, it tells %s", got)
		}
		o.set(t, 9)
		for _, a := range both {
			a.awaitNumber(t, 9)
		}
		work.check(t)
	})
}

// An origin that is paused keeps its connections and says nothing. That is noticed
// by its silence, and evaluations do not wait for it to be.
func TestOriginIsPausedAndGoesOn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes as long as silence is allowed to last: 10 seconds at least")
	}
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		if o.stop == nil {
			t.Skip("it cannot be paused")
		}
		a := run(t, append(o.options(t), provider.WithKeepAlive(10*time.Second), hasty())...)
		if a.err != nil {
			t.Fatal(a.err)
		}
		a.awaitNumber(t, 1)
		work := begin(t, m, a)
		o.stop(t)
		for range 2 {
			a.client.Int(t.Context(), "mine", -1, gold())
		}
		if got := a.number(t.Context()); got != 1 {
			t.Errorf("paused, the number is %d, want 1", got)
		}
		o.set(t, 2)
		a.awaitEvents(t, "STALE ERROR")
		a.await(t, openfeature.ErrorState)
		o.resume(t)
		a.await(t, openfeature.ReadyState)
		a.awaitNumber(t, 2)
		if got := a.states(false); got != "STALE ERROR READY" {
			t.Errorf("it tells %s", got)
		}
		work.check(t)
	})
}

// A pause that nobody had time to notice is none.
func TestShortPauseIsNoOutage(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		if o.stop == nil {
			t.Skip("it cannot be paused")
		}
		a := run(t, append(o.options(t), hasty())...)
		if a.err != nil {
			t.Fatal(a.err)
		}
		work := begin(t, m, a)
		for n := 2; n < 5; n++ {
			o.stop(t)
			pause(300 * time.Millisecond)
			o.set(t, n)
			o.resume(t)
			a.awaitNumber(t, int64(n))
		}
		if got := a.states(false); got != "" {
			t.Errorf("it tells %s", got)
		}
		work.check(t)
	})
}
