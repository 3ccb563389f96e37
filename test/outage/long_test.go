//go:build unix

package outage_test

import (
	"os"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// lengthVariable names the variable that has the outage last longer than a minute.
const lengthVariable = "FLAGLINE_TEST_OUTAGE"

// An outage of a minute, with everything as it is by default, mends itself: STALE at
// once, ERROR after the grace period, READY a few seconds after the origin is back.
func TestOutageOfAMinuteMendsItself(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	length := time.Minute
	if said := os.Getenv(lengthVariable); said != "" {
		var err error
		if length, err = time.ParseDuration(said); err != nil {
			t.Fatalf("%s: %v", lengthVariable, err)
		}
	}
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		a := run(t, append(o.options(t),
			provider.WithRetryBackoff(time.Second, 5*time.Second), provider.WithPollInterval(time.Second))...)
		if a.err != nil {
			t.Fatal(a.err)
		}
		a.awaitNumber(t, 1)
		w := begin(t, m, a)
		over := time.After(length)
		lost := time.Now()
		o.kill(t)
		a.await(t, openfeature.StaleState)
		a.await(t, openfeature.ErrorState)
		if took := time.Since(lost); took < 9*time.Second {
			t.Errorf("it is ERROR after %v, within the grace period", took)
		}
		<-over
		o.set(t, 2)
		o.restart(t)
		back := time.Now()
		a.await(t, openfeature.ReadyState)
		a.awaitNumber(t, 2)
		took := time.Since(back)
		if took > 10*time.Second+slack {
			t.Errorf("it took %v to be READY again", took)
		}
		a.awaitEvents(t, "CHANGED")
		if got := a.states(false); got != "STALE ERROR READY" {
			t.Errorf("it tells %s", got)
		}
		t.Logf("READY again after %v", took.Round(time.Millisecond))
		w.check(t)
	})
}
