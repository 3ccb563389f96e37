package cowmap_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/flagline/flagline/internal/cowmap"
)

// A map behaves as Go's own through many changes, on both sides of the size
// from which it is kept in shards, and old maps stay as they were.
func TestMapBehavesAsGosOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var m cowmap.Map[int]
	want := map[string]int{}
	type past struct {
		m    cowmap.Map[int]
		want map[string]int
	}
	var history []past
	for i := range 3000 {
		put, remove := map[string]int{}, []string(nil)
		for range rng.IntN(4) {
			put[fmt.Sprint(rng.IntN(800))] = i
		}
		for range rng.IntN(3) {
			remove = append(remove, fmt.Sprint(rng.IntN(800)))
		}
		m = m.With(put, remove)
		maps.Copy(want, put)
		for _, k := range remove {
			delete(want, k)
		}
		if i%300 == 0 {
			history = append(history, past{m, maps.Clone(want)})
		}
	}
	history = append(history, past{m, want})
	for i, p := range history {
		if got := maps.Collect(p.m.All()); !maps.Equal(got, p.want) || p.m.Len() != len(p.want) {
			t.Errorf("map %d has %d keys and says %d, want %d", i, len(got), p.m.Len(), len(p.want))
		}
		if keys := p.m.Keys(); !slices.Equal(keys, slices.Sorted(maps.Keys(p.want))) {
			t.Errorf("map %d lists its keys as %v", i, keys)
		}
	}
	if len(want) <= 256 {
		t.Fatalf("only %d keys: the sharded form was not tested", len(want))
	}
}

func TestRemovalWinsOverPut(t *testing.T) {
	m := cowmap.Map[int]{}.With(map[string]int{"a": 1, "b": 2}, []string{"a"})
	if _, ok := m.Get("a"); ok || m.Len() != 1 {
		t.Errorf("%d keys, want b alone", m.Len())
	}
}

func TestYieldMayStop(t *testing.T) {
	put := make(map[string]int)
	for i := range 1000 {
		put[fmt.Sprint(i)] = i
	}
	seen := 0
	for range (cowmap.Map[int]{}).With(put, nil).All() {
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("saw %d entries, want 3", seen)
	}
}

func BenchmarkChangeOneOf100000(b *testing.B) {
	put := make(map[string]int)
	for i := range 100_000 {
		put[fmt.Sprint("flag-", i)] = i
	}
	m := (cowmap.Map[int]{}).With(put, nil)
	one := map[string]int{"flag-7": 0}
	b.ReportAllocs()
	for b.Loop() {
		m.With(one, nil)
	}
}
