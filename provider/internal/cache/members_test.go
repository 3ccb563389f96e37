package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

// narrow returns a cache of answers that depend on the member "tier" alone, but for
// those that begin with a "*".
func narrow(entries int) *cache.Cache[string] {
	c := cache.New[string](entries)
	c.Members = func(answer string) ([]string, bool) { return []string{"tier"}, answer[0] != '*' }
	c.Listen()
	return c
}

func asking(t *testing.T, c *cache.Cache[string], ec map[string]any, answer string) (got string, asked bool) {
	t.Helper()
	got, err := c.Ask(t.Context(), "f", boolean, ec, func(context.Context) (string, cache.Keep, error) {
		asked = true
		return answer, cache.ByContext, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, asked
}

func TestContextsThatDifferInWhatNobodyReadsShareAnAnswer(t *testing.T) {
	c := narrow(10)
	steps := []struct {
		ec    map[string]any
		says  string
		want  string
		asked bool
	}{
		{map[string]any{"tier": "gold", "user": 1}, "one", "one", true},
		{map[string]any{"tier": "gold", "user": 2}, "two", "one", false},
		{map[string]any{"tier": "gold"}, "three", "one", false},
		{map[string]any{"tier": "gold", "odd": make(chan int)}, "four", "one", false},
		{map[string]any{"tier": "lead", "user": 1}, "five", "five", true},
		{map[string]any{"user": 1}, "six", "six", true},
		{nil, "seven", "six", false},
		{map[string]any{"tier": nil}, "eight", "eight", true},
	}
	for _, step := range steps {
		if got, asked := asking(t, c, step.ec, step.says); got != step.want || asked != step.asked {
			t.Errorf("%v is answered with %s, asked: %v; want %s, %v", step.ec, got, asked, step.want, step.asked)
		}
	}
	if n := c.Stats().Entries; n != 4 {
		t.Errorf("%d answers are kept, want 4", n)
	}
	c.Drop("f") // and with it what its answers depend on
	if _, asked := asking(t, c, map[string]any{"tier": "gold", "user": 1}, "*whole"); !asked {
		t.Error("an answer outlived the change of its flag")
	}
	if got, asked := asking(t, c, map[string]any{"tier": "gold", "user": 2}, "*other"); !asked {
		t.Errorf("after the change another context is answered with %s", got)
	}
}

// Two who ask before it is known what answers depend on may get the same answer.
func TestTheSameAnswerIsKeptOnce(t *testing.T) {
	c := narrow(2)
	var inside, all sync.WaitGroup
	inside.Add(4)
	for user := range 4 {
		all.Go(func() {
			_, _ = c.Ask(t.Context(), "f", boolean, map[string]any{"tier": "gold", "user": user},
				func(context.Context) (string, cache.Keep, error) {
					inside.Done()
					inside.Wait() // all of them are on their way
					return "gold", cache.ByContext, nil
				})
		})
	}
	all.Wait()
	if s := c.Stats(); s.Entries != 1 || s.Evicted != 0 {
		t.Errorf("%d answers are kept and %d had to go, want 1 and none", s.Entries, s.Evicted)
	}
	if got, asked := asking(t, c, map[string]any{"tier": "gold", "user": 9}, "new"); asked || got != "gold" {
		t.Errorf("the answer is %s, asked: %v", got, asked)
	}
}

// Whoever asks gets the answer for his tier, of a state of the flag that was there
// since he asked.
func TestNarrowAnswersAreRightWhileFlagsChange(t *testing.T) {
	c := narrow(8)
	var version, announced atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 20_000 {
				tier, least := fmt.Sprint(r.IntN(20)), announced.Load()
				got, err := c.Ask(context.WithoutCancel(ctx), "f", boolean, map[string]any{"tier": tier, "user": r.IntN(1000)},
					func(context.Context) (string, cache.Keep, error) {
						return fmt.Sprintf("%s/%d", tier, version.Load()), cache.ByContext, nil
					})
				var of int64
				if n, _ := fmt.Sscanf(got, tier+"/%d", &of); err != nil || n != 1 || of < least {
					t.Errorf("tier %s, state %d or later, is answered with %q, %v", tier, least, got, err)
					return
				}
			}
		})
	}
	var changes sync.WaitGroup
	changes.Go(func() {
		for ctx.Err() == nil {
			v := version.Add(1)
			c.Drop("f")
			announced.Store(v)
		}
	})
	all.Wait()
	stop()
	changes.Wait()
	if n := c.Stats().Entries; n > 8 {
		t.Errorf("%d answers are kept, want 8 at most", n)
	}
}

// A rule that comes to read more is noticed before its change is announced.
func TestAnswerThatDependsOnMoreThanThoseBeforeEndsThem(t *testing.T) {
	c := cache.New[string](10)
	c.Members = func(answer string) ([]string, bool) {
		switch answer[0] {
		case 'a':
			return []string{"a"}, true
		case 'b':
			return []string{"a", "b"}, true
		}
		return nil, false
	}
	c.Listen()
	context := func(a, b int) map[string]any { return map[string]any{"a": a, "b": b} }
	for _, step := range []struct {
		ec    map[string]any
		says  string
		want  string
		asked bool
	}{
		{context(1, 1), "a: one", "a: one", true},
		{context(1, 2), "a: no", "a: one", false},
		{context(2, 1), "b: two, one", "b: two, one", true}, // the new rule, whose change is on its way
		{context(2, 2), "b: two, two", "b: two, two", true},
		{context(1, 1), "b: one, one", "b: one, one", true},
		{context(2, 2), "b: no", "b: two, two", false},
		{context(3, 1), "* any", "* any", true}, // and one that may read anything
		{context(2, 2), "* all", "* all", true},
	} {
		if got, asked := asking(t, c, step.ec, step.says); got != step.want || asked != step.asked {
			t.Errorf("%v is answered with %q, asked: %v; want %q, %v", step.ec, got, asked, step.want, step.asked)
		}
	}
}

func TestWhoWaitsForAnAnswerThatDependsOnMoreAsksHimself(t *testing.T) {
	c := cache.New[string](10)
	c.Members = func(answer string) ([]string, bool) {
		if answer[0] == 'a' {
			return []string{"a"}, true
		}
		return []string{"a", "b"}, true
	}
	c.Listen()
	asking(t, c, map[string]any{"a": 1}, "a")

	sent, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, _ = c.Ask(t.Context(), "f", boolean, map[string]any{"a": 2, "b": 1}, func(context.Context) (string, cache.Keep, error) {
			close(sent)
			<-release
			return "b: one", cache.ByContext, nil
		})
	})
	<-sent
	all.Go(func() {
		if got, asked := asking(t, c, map[string]any{"a": 2, "b": 2}, "b: two"); got != "b: two" || !asked {
			t.Errorf("who waited is answered with %q, asked: %v", got, asked)
		}
	})
	for c.Stats().Collapsed == 0 {
		runtime.Gosched()
	}
	close(release)
	all.Wait()
}
