//go:build unix

package outage_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

// A server that takes its time is asked a hundred different things at once, and one
// thing once, however many ask.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	f := serveForeign(t, "", versions{two: true}, &foreign{delay: 300 * time.Millisecond})
	f.set(1)
	a := run(t, provider.WithSidecar(f.address), provider.WithDeadline(patience))
	if a.err != nil {
		t.Fatal(a.err)
	}
	const callers = 100
	ask := func(flag func(int) string) (wrong int64, took time.Duration) {
		var all sync.WaitGroup
		var bad atomic.Int64
		begun := time.Now()
		for i := range callers {
			all.Go(func() {
				if got := a.client.Int(t.Context(), flag(i), -1, openfeature.EvaluationContext{}); got != 1 {
					bad.Add(1)
				}
			})
		}
		all.Wait()
		return bad.Load(), time.Since(begun)
	}
	var wrong int64
	var took time.Duration
	asked := f.during(t, func() { wrong, took = ask(func(i int) string { return fmt.Sprint("mine-", i) }) })
	if wrong > 0 || asked != callers || took > callers*f.delay/4 {
		t.Errorf("of %d different questions %d went out, %d were not answered, and it took %v", callers, asked, wrong, took)
	}
	for _, flag := range []string{"mine", "number"} {
		calls := a.Stats().Calls
		asked := f.during(t, func() { wrong, _ = ask(func(int) string { return flag }) })
		if went := a.Stats().Calls - calls; wrong > 0 || asked != 1 && flag == "number" || asked > callers/10 || uint64(asked) != went {
			t.Errorf("of %d times the same question %d went out, %d by the count, and %d were not answered", callers, asked, went, wrong)
		}
	}
}

// A server that is too slow for the deadline costs the deadline, and is asked again.
func TestServerThatIsTooSlow(t *testing.T) {
	t.Parallel()
	f := serveForeign(t, "", versions{two: true}, &foreign{delay: time.Second})
	f.set(1)
	a := run(t, provider.WithSidecar(f.address), provider.WithDeadline(300*time.Millisecond))
	eventually(t, "three questions", func() string {
		begun := time.Now()
		if got := a.number(t.Context()); got != -1 {
			t.Errorf("number = %d, want none within the deadline", got)
		}
		if took := time.Since(begun); took > slack {
			t.Errorf("it took %v", took)
		}
		if asked := f.asked.Load(); asked < 3 {
			return fmt.Sprintf("it was asked %d", asked)
		}
		return ""
	})
	quick := run(t, provider.WithSidecar(f.address), provider.WithDeadline(patience))
	if got := quick.number(t.Context()); got != 1 {
		t.Errorf("number = %d with more time", got)
	}
}
