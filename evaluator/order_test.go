package evaluator_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

func flagNamed(t testing.TB, key string) *evaluator.Flag {
	t.Helper()
	f, err := evaluator.CompileFlag(key, []byte(`{"variants":{"on":true},"defaultVariant":"on"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Sets are derived from each other at random, and asked for their order now and
// then; a plain map knows what must come of it.
func TestSetsThatAreDerivedFromOneAnotherStayInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var set *evaluator.FlagSet
	want := map[string]*evaluator.Flag{}
	for step := range 2000 {
		var put []*evaluator.Flag
		var remove []string
		for range 1 + random.IntN(4) {
			key := fmt.Sprint("flag-", random.IntN(300))
			if random.IntN(3) == 0 {
				remove = append(remove, key)
				delete(want, key)
			}
		}
		for range random.IntN(4) {
			f := flagNamed(t, fmt.Sprint("flag-", random.IntN(300)))
			put = append(put, f)
			want[f.Key()] = f
		}
		set = set.With(nil, put, remove)
		if random.IntN(50) > 0 {
			continue
		}
		var keys []string
		for key, f := range set.All() {
			if keys = append(keys, key); want[key] != f {
				t.Fatalf("step %d: flag %s is not the one that was put last", step, key)
			}
		}
		if len(keys) != len(want) || !slices.IsSorted(keys) {
			t.Fatalf("step %d: there are %d flags, in order: %v, want %d", step, len(keys), slices.IsSorted(keys), len(want))
		}
	}
}

// BenchmarkOrderAfterAChange asks for all flags of 10,000 after one has changed.
func BenchmarkOrderAfterAChange(b *testing.B) {
	var flags []*evaluator.Flag
	for i := range 10_000 {
		flags = append(flags, flagNamed(b, fmt.Sprintf("flag-%05d", i)))
	}
	set := (*evaluator.FlagSet)(nil).With(nil, flags, nil)
	for b.Loop() {
		for range set.All() {
			break
		}
		set = set.With(nil, flags[5000:5001], nil)
	}
}

func TestASetMayBeAskedForItsOrderWhileAnotherIsDerived(t *testing.T) {
	for range 200 {
		sorted := (*evaluator.FlagSet)(nil).With(nil, []*evaluator.Flag{flagNamed(t, "a")}, nil)
		for range sorted.All() {
			break
		}
		set := sorted.With(nil, []*evaluator.Flag{flagNamed(t, "c")}, nil) // knows an order, and has none yet
		var readers sync.WaitGroup
		readers.Go(func() {
			for range set.All() {
				break
			}
		})
		next := set.With(nil, []*evaluator.Flag{flagNamed(t, "b")}, nil)
		readers.Wait()
		if got := slices.Collect(maps.Keys(maps.Collect(next.All()))); len(got) != 3 {
			t.Fatalf("the derived set has %v", got)
		}
	}
}
