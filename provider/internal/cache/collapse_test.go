package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/provider/internal/cache"
)

// A server answers a second after it was asked, and counts.
type server struct {
	mu    sync.Mutex
	asked int
}

// ask is a question to the server; the n-th one is answered "answer n".
func (s *server) ask(keep cache.Keep) func(context.Context) (string, cache.Keep, error) {
	return func(ctx context.Context) (string, cache.Keep, error) {
		s.mu.Lock()
		s.asked++
		answer := fmt.Sprint("answer ", s.asked)
		s.mu.Unlock()
		select {
		case <-time.After(time.Second):
			return answer, keep, nil
		case <-ctx.Done():
			return "", keep, ctx.Err()
		}
	}
}

func (s *server) expect(t *testing.T, asked int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked != asked {
		t.Errorf("the server was asked %d times, want %d", s.asked, asked)
	}
}

func TestIdenticalQuestionsGoOutOnce(t *testing.T) {
	for _, entries := range []int{10, 0} {
		for _, keep := range []cache.Keep{cache.Never, cache.Static, cache.ByContext} {
			synctest.Test(t, func(t *testing.T) {
				c, s := listening(entries), new(server)
				var asking sync.WaitGroup
				for range 10 {
					asking.Go(func() { expect(t, c, "a", boolean, user("ann"), s.ask(keep), "answer 1") })
				}
				asking.Wait()
				s.expect(t, 1)
				got := c.Stats()
				got.Entries = 0
				if want := (cache.Stats{Misses: 10, Collapsed: 9, Calls: 1, CallTime: time.Second}); got != want {
					t.Errorf("Stats() = %+v, want %+v", got, want)
				}
			})
		}
	}
}

func TestDifferentQuestionsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		var asking sync.WaitGroup
		odd := contextMap{"odd": struct{}{}} // has no sum to be compared by
		for _, q := range []struct {
			flag string
			kind uint8
			ec   contextMap
		}{
			{"a", boolean, user("ann")},
			{"a", boolean, user("bob")},
			{"a", number, user("ann")},
			{"b", boolean, user("ann")},
			{"a", boolean, odd},
			{"a", boolean, odd},
		} {
			asking.Go(func() { _, _ = c.Ask(t.Context(), q.flag, q.kind, q.ec, s.ask(cache.Static)) })
		}
		asking.Wait()
		s.expect(t, 6)
		if got := c.Stats(); got.Collapsed != 0 || got.Entries != 3 {
			t.Errorf("Stats() = %+v, want 0 collapsed and 3 entries: a twice, and b", got)
		}
	})
}

func TestErrorIsForAllWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, broken := listening(10), errors.New("broken")
		var asking sync.WaitGroup
		for range 3 {
			asking.Go(func() {
				_, err := c.Ask(t.Context(), "a", boolean, nil, func(context.Context) (string, cache.Keep, error) {
					time.Sleep(time.Second)
					return "", cache.Static, broken
				})
				if !errors.Is(err, broken) {
					t.Errorf("Ask returned the error %v, want %v", err, broken)
				}
			})
		}
		asking.Wait()
		if got := c.Stats(); got.Calls != 1 || got.Entries != 0 {
			t.Errorf("Stats() = %+v, want 1 call and nothing kept", got)
		}
	})
}

func TestWhoWaitsAsksAnewIfTheFirstIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		first, cancel := context.WithCancel(t.Context())
		second, cancelSecond := context.WithTimeout(t.Context(), 800*time.Millisecond)
		defer cancelSecond()
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := c.Ask(first, "a", boolean, nil, s.ask(cache.Static)); !errors.Is(err, context.Canceled) {
				t.Errorf("the first got the error %v, want his cancellation", err)
			}
		})
		synctest.Wait()
		asking.Go(func() {
			if _, err := c.Ask(second, "a", boolean, nil, s.ask(cache.Static)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the second got the error %v, want that his time ran out", err)
			}
		})
		synctest.Wait()
		for range 3 {
			// Whoever of these and of the second asks anew, these get an answer.
			asking.Go(func() {
				if got, err := c.Ask(t.Context(), "a", boolean, nil, s.ask(cache.Static)); err != nil || got == "answer 1" {
					t.Errorf("a third got %q, %v, want an answer of his own", got, err)
				}
			})
		}
		synctest.Wait()
		time.Sleep(time.Second / 2)
		cancel()
		asking.Wait()
		if got := c.Stats(); got.Misses != 5 || got.Collapsed != 4 || got.Hits != 0 || got.Entries != 1 {
			t.Errorf("Stats() = %+v, want 5 misses, 4 of them collapsed, no hits and 1 entry", got)
		}
	})
}

func TestWhoAsksAnewFindsWhatOthersWhoDidSoKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		ctx, cancel := context.WithCancel(t.Context())
		var asking sync.WaitGroup
		asking.Go(func() { _, _ = c.Ask(ctx, "a", boolean, nil, s.ask(cache.ByContext)) })
		synctest.Wait()
		for range 10 {
			asking.Go(func() { expect(t, c, "a", boolean, nil, says("yes", cache.ByContext), "yes") })
		}
		synctest.Wait()
		cancel()
		asking.Wait()
		if got := c.Stats(); got.Calls != 2 || got.Entries != 1 || got.Hits != 0 || got.Misses != 11 {
			t.Errorf("Stats() = %+v, want 2 calls, 1 entry, 0 hits and 11 misses", got)
		}
	})
}

func TestWhoWaitsMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		var asking sync.WaitGroup
		asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(cache.Static), "answer 1") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		began := time.Now()
		if _, err := c.Ask(ctx, "a", boolean, nil, s.ask(cache.Static)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ask returned the error %v, want that its time ran out", err)
		}
		if took := time.Since(began); took != time.Second/2 {
			t.Errorf("he left after %v, want his 0.5s", took)
		}
		asking.Wait()
		found(t, c, "a", boolean, nil, "answer 1")
		s.expect(t, 1)
	})
}

func TestWhoWaitsAsksAnewIfTheFirstPanics(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("broken") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := listening(10), new(server)
				var asking sync.WaitGroup
				asking.Go(func() {
					defer func() {
						if said := recover(); name == "panic" && said != "broken" {
							t.Errorf("the panic was %v, want that of the question", said)
						}
					}()
					_, _ = c.Ask(t.Context(), "a", boolean, nil, func(context.Context) (string, cache.Keep, error) {
						time.Sleep(time.Second)
						end()
						return "", cache.Static, nil
					})
					t.Error("Ask returned, want what its question does")
				})
				synctest.Wait()
				for range 3 {
					asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(cache.Static), "answer 1") })
				}
				asking.Wait()
				s.expect(t, 1)
				found(t, c, "a", boolean, nil, "answer 1")
			})
		})
	}
}

func TestQuestionFromBeforeAChangeIsNeitherJoinedNorKept(t *testing.T) {
	for name, change := range map[string]func(*cache.Cache[string]){
		"Drop":                 func(c *cache.Cache[string]) { c.Drop("b", "a") },
		"DropAll":              func(c *cache.Cache[string]) { c.DropAll() },
		"Listen":               func(c *cache.Cache[string]) { c.Listen() },
		"a gap in the changes": func(c *cache.Cache[string]) { c.Pause(); c.Listen() },
	} {
		for _, keep := range []cache.Keep{cache.Static, cache.ByContext} {
			t.Run(fmt.Sprintf("%s, keep %d", name, keep), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := listening(10), new(server)
					var asking sync.WaitGroup
					asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(keep), "answer 1") })
					synctest.Wait()
					change(c)
					time.Sleep(time.Second / 2)
					asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(keep), "answer 2") })
					time.Sleep(time.Second * 3 / 4) // the first is answered
					found(t, c, "a", boolean, nil, "")
					if got := c.Stats().Entries; got != 0 {
						t.Errorf("there are %d entries, want 0", got)
					}
					asking.Wait()
					found(t, c, "a", boolean, nil, "answer 2")
				})
			})
		}
	}
}

func TestChangeOfAnotherFlagDoesNotHinder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		var asking sync.WaitGroup
		asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(cache.Static), "answer 1") })
		synctest.Wait()
		c.Drop("b", "ab", "")
		asking.Wait()
		found(t, c, "a", boolean, nil, "answer 1")
	})
}

func TestAnswerThatArrivesWhileNobodyListensIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := listening(10), new(server)
		var asking sync.WaitGroup
		asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(cache.Static), "answer 1") })
		synctest.Wait()
		c.Pause()
		asking.Go(func() { expect(t, c, "a", boolean, nil, s.ask(cache.Static), "answer 1") })
		asking.Wait()
		found(t, c, "a", boolean, nil, "")
		s.expect(t, 1)
	})
}
