package cache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider/internal/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The kinds that the tests ask for.
const (
	boolean uint8 = iota
	number
)

type contextMap = map[string]any

// user is a context.
func user(name string) contextMap { return contextMap{"targetingKey": name} }

// listening returns a cache that keeps what it may.
func listening(entries int) *cache.Cache[string] {
	c := cache.New[string](entries)
	c.Listen()
	return c
}

// says is a question that is answered so.
func says(answer string, keep cache.Keep) func(context.Context) (string, cache.Keep, error) {
	return func(context.Context) (string, cache.Keep, error) { return answer, keep, nil }
}

// expect asks, and fails the test unless the answer is want.
func expect(t *testing.T, c *cache.Cache[string], flag string, kind uint8, ec contextMap,
	ask func(context.Context) (string, cache.Keep, error), want string,
) {
	t.Helper()
	got, err := c.Ask(t.Context(), flag, kind, ec, ask)
	if err != nil || got != want {
		t.Errorf("Ask(%q, %d, %v) = %q, %v, want %q", flag, kind, ec, got, err, want)
	}
}

// keep puts an answer into the cache.
func keep(t *testing.T, c *cache.Cache[string], flag string, kind uint8, ec contextMap, answer string, as cache.Keep) {
	t.Helper()
	expect(t, c, flag, kind, ec, says(answer, as), answer)
}

// found fails the test unless Find finds want, or nothing if want is empty.
func found(t *testing.T, c *cache.Cache[string], flag string, kind uint8, ec contextMap, want string) {
	t.Helper()
	if got, ok := c.Find(flag, kind, ec); got != want || ok != (want != "") {
		t.Errorf("Find(%q, %d, %v) = %q, %t, want %q", flag, kind, ec, got, ok, want)
	}
}

func TestStaticAnswerIsForEverybody(t *testing.T) {
	c := listening(10)
	keep(t, c, "a", boolean, user("ann"), "yes", cache.Static)
	found(t, c, "a", boolean, user("ann"), "yes")
	found(t, c, "a", boolean, user("bob"), "yes")
	found(t, c, "a", boolean, contextMap{"odd": struct{}{}}, "yes")
	found(t, c, "a", number, user("ann"), "")
	found(t, c, "b", boolean, user("ann"), "")
}

func TestAnswerByContextIsForEqualContexts(t *testing.T) {
	c := listening(10)
	keep(t, c, "a", boolean, contextMap{"targetingKey": "ann", "plan": "free"}, "yes", cache.ByContext)
	found(t, c, "a", boolean, contextMap{"plan": "free", "targetingKey": "ann"}, "yes")
	found(t, c, "a", boolean, user("ann"), "")
	found(t, c, "a", boolean, nil, "")
	found(t, c, "a", number, contextMap{"targetingKey": "ann", "plan": "free"}, "")
	found(t, c, "b", boolean, contextMap{"targetingKey": "ann", "plan": "free"}, "")

	keep(t, c, "a", boolean, user("bob"), "no", cache.ByContext)
	found(t, c, "a", boolean, user("bob"), "no")
}

func TestKindsAreKeptApart(t *testing.T) {
	c := listening(2 * cache.Kinds)
	for kind := range uint8(cache.Kinds) {
		keep(t, c, "static", kind, nil, fmt.Sprint(kind), cache.Static)
		keep(t, c, "targeted", kind, nil, fmt.Sprint(kind), cache.ByContext)
	}
	for kind := range uint8(cache.Kinds) {
		found(t, c, "static", kind, nil, fmt.Sprint(kind))
		found(t, c, "targeted", kind, nil, fmt.Sprint(kind))
	}
}

func TestWhatMustNotBeKeptIsNotKept(t *testing.T) {
	c := listening(10)
	keep(t, c, "never", boolean, nil, "yes", cache.Never)
	keep(t, c, "odd context", boolean, contextMap{"odd": struct{}{}}, "yes", cache.ByContext)
	keep(t, c, "other kind", cache.Kinds, nil, "yes", cache.Static)
	keep(t, c, "other kind", 255, nil, "yes", cache.ByContext)
	keep(t, c, "odd answer", boolean, nil, "yes", cache.ByContext+1)

	broken := errors.New("broken")
	for _, as := range []cache.Keep{cache.Static, cache.ByContext} {
		_, err := c.Ask(t.Context(), "error", boolean, nil, func(context.Context) (string, cache.Keep, error) {
			return "yes", as, broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Ask returned the error %v, want %v", err, broken)
		}
	}
	for _, flag := range []string{"never", "odd context", "odd answer", "error"} {
		found(t, c, flag, boolean, nil, "")
	}
	found(t, c, "odd context", boolean, contextMap{"odd": struct{}{}}, "")
	found(t, c, "other kind", cache.Kinds, nil, "")
	found(t, c, "other kind", 255, nil, "")
	if got := c.Stats().Entries; got != 0 {
		t.Errorf("there are %d entries, want 0", got)
	}
}

func TestDropDropsTheNamedFlags(t *testing.T) {
	c := listening(10)
	for _, flag := range []string{"a", "b", "c"} {
		keep(t, c, flag, boolean, user("ann"), "yes", cache.ByContext)
		keep(t, c, flag, boolean, user("bob"), "no", cache.ByContext)
		keep(t, c, flag, number, nil, "7", cache.Static)
	}
	c.Drop("a", "unknown", "c", "a")
	for _, flag := range []string{"a", "c"} {
		found(t, c, flag, boolean, user("ann"), "")
		found(t, c, flag, boolean, user("bob"), "")
		found(t, c, flag, number, nil, "")
	}
	found(t, c, "b", boolean, user("ann"), "yes")
	found(t, c, "b", boolean, user("bob"), "no")
	found(t, c, "b", number, nil, "7")
	if got := c.Stats().Entries; got != 3 {
		t.Errorf("there are %d entries, want 3", got)
	}

	keep(t, c, "a", boolean, user("ann"), "perhaps", cache.ByContext)
	found(t, c, "a", boolean, user("ann"), "perhaps")

	c.DropAll()
	found(t, c, "a", boolean, user("ann"), "")
	found(t, c, "b", number, nil, "")
	if got := c.Stats().Entries; got != 0 {
		t.Errorf("there are %d entries, want 0", got)
	}
	keep(t, c, "b", number, nil, "8", cache.Static)
	found(t, c, "b", number, nil, "8")
}

func TestNothingNewIsKeptWhileNobodyListens(t *testing.T) {
	c := cache.New[string](10)
	keep(t, c, "a", boolean, nil, "before", cache.Static)
	found(t, c, "a", boolean, nil, "")

	c.Listen()
	keep(t, c, "a", boolean, nil, "yes", cache.Static)
	c.Pause()
	found(t, c, "a", boolean, nil, "yes")
	keep(t, c, "b", boolean, nil, "paused", cache.Static)
	keep(t, c, "b", number, nil, "paused", cache.ByContext)
	found(t, c, "b", boolean, nil, "")
	found(t, c, "b", number, nil, "")
	found(t, c, "a", boolean, nil, "yes")

	c.Listen() // a may have changed in between
	found(t, c, "a", boolean, nil, "")
	keep(t, c, "a", boolean, nil, "no", cache.Static)
	found(t, c, "a", boolean, nil, "no")
}

func TestHitsDoNotAllocate(t *testing.T) {
	c := listening(10)
	ctx, ec := t.Context(), contextOf(5)
	keep(t, c, "static", boolean, nil, "yes", cache.Static)
	keep(t, c, "targeted", boolean, ec, "yes", cache.ByContext)
	asked := 0
	for _, flag := range []string{"static", "targeted"} {
		if n := testing.AllocsPerRun(1000, func() {
			_, _ = c.Ask(ctx, flag, boolean, ec, func(context.Context) (string, cache.Keep, error) {
				asked++ // a question has something to carry
				return flag, cache.Never, nil
			})
		}); n != 0 {
			t.Errorf("a hit of flag %s allocates %v times, want 0", flag, n)
		}
	}
	if asked != 0 {
		t.Errorf("%d questions went out, want none", asked)
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	ec := contextOf(30)
	ec["nested"] = map[string]any{"list": []any{1.0, "a", nil}}
	if n := testing.AllocsPerRun(1000, func() { cache.Sum(ec) }); n != 0 {
		t.Errorf("Sum allocates %v times, want 0", n)
	}
}

func TestStatsCountWhatHappened(t *testing.T) {
	c := listening(2)
	found(t, c, "a", boolean, nil, "") // a look is no question
	keep(t, c, "a", boolean, nil, "yes", cache.Static)
	keep(t, c, "b", boolean, nil, "yes", cache.Static)
	found(t, c, "a", boolean, nil, "yes")
	expect(t, c, "a", boolean, nil, nil, "yes")
	keep(t, c, "c", boolean, nil, "yes", cache.Static)
	keep(t, c, "d", boolean, nil, "yes", cache.Never)
	got := c.Stats()
	got.CallTime = 0
	if want := (cache.Stats{Hits: 2, Misses: 4, Evicted: 1, Entries: 2, Calls: 4}); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}
