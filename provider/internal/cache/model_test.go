package cache_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

// A place is where the model keeps an answer: for one user, or for everybody.
type place struct {
	flag string
	kind uint8
	user string
}

const everybody = ""

// A model is a cache without bound, as simple as can be.
type model struct {
	listening bool
	answers   map[place]string
}

func (m *model) find(flag string, kind uint8, user string) string {
	if answer, ok := m.answers[place{flag, kind, everybody}]; ok {
		return answer
	}
	return m.answers[place{flag, kind, user}]
}

func (m *model) keep(at place, answer string, as cache.Keep) {
	switch {
	case !m.listening || as == cache.Never:
		return
	case as == cache.Static:
		at.user = everybody
	}
	m.answers[at] = answer
}

func (m *model) drop(flag string) {
	for at := range m.answers {
		if at.flag == flag {
			delete(m.answers, at)
		}
	}
}

// TestCacheAgreesWithAModel does the same at random to a cache and a model. A
// cache with room for all finds exactly what the model finds; one without may
// have given some of it up, but finds nothing else.
func TestCacheAgreesWithAModel(t *testing.T) {
	for _, entries := range []int{0, 1, 2, 7, 50, 10_000} {
		t.Run(fmt.Sprint(entries, " entries"), func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, uint64(entries)))
			c := cache.New[string](entries)
			m := &model{answers: make(map[place]string)}
			for step := range 50_000 {
				at := place{fmt.Sprint("flag-", r.IntN(8)), uint8(r.IntN(3)), fmt.Sprint("user-", r.IntN(6))}
				switch n := r.IntN(1000); {
				case n < 15:
					c.Drop(at.flag, "flag-1")
					m.drop(at.flag)
					m.drop("flag-1")
				case n < 16:
					c.DropAll()
					clear(m.answers)
				case n < 18:
					c.Pause()
					m.listening = false
				case n < 26:
					c.Listen()
					clear(m.answers)
					m.listening = true
				default:
					agreeOn(t, c, m, at, fmt.Sprint("answer ", step), cache.Keep(r.IntN(3)), entries == 10_000)
				}
				got := c.Stats().Entries
				if got > max(entries, 0) || entries == 10_000 && got != len(m.answers) {
					t.Fatalf("step %d: there are %d entries, want at most %d; the model has %d", step, got, entries, len(m.answers))
				}
				if t.Failed() {
					t.Fatalf("at step %d", step)
				}
			}
		})
	}
}

// agreeOn asks both; answer is what the server would say.
func agreeOn(t *testing.T, c *cache.Cache[string], m *model, at place, answer string, as cache.Keep, all bool) {
	t.Helper()
	kept := m.find(at.flag, at.kind, at.user)
	got, err := c.Ask(t.Context(), at.flag, at.kind, user(at.user), says(answer, as))
	switch {
	case err != nil:
		t.Errorf("asked for %v: %v", at, err)
	case got == answer: // not found
		if kept != "" && all {
			t.Errorf("asked for %v, found nothing, want %q", at, kept)
		}
		if kept != "" {
			// Given up; what there is for others is not what there was.
			delete(m.answers, place{at.flag, at.kind, everybody})
			delete(m.answers, at)
		}
		m.keep(at, answer, as)
	case got != kept && got != m.answers[at]:
		t.Errorf("asked for %v, found %q, want %q", at, got, kept)
	}
}
