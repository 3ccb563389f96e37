package tally_test

import (
	"maps"
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

func TestSameArgumentsAreTheSameCounter(t *testing.T) {
	counts := tally.New()
	first := counts.Counter("new-checkout", "on", evaluator.ReasonStatic)
	if again := counts.Counter("new-checkout", "on", evaluator.ReasonStatic); again != first {
		t.Error("asking again gave another counter")
	}
	for name, other := range map[string]*tally.Counter{
		"another flag":    counts.Counter("old-checkout", "on", evaluator.ReasonStatic),
		"another variant": counts.Counter("new-checkout", "off", evaluator.ReasonStatic),
		"another reason":  counts.Counter("new-checkout", "on", evaluator.ReasonTargetingMatch),
		"an error":        counts.Failure("new-checkout", evaluator.CodeGeneral),
	} {
		if other == first {
			t.Errorf("%s shares the counter", name)
		}
	}
}

func TestSingleAndBulkAreCountedApart(t *testing.T) {
	counts := tally.New()
	on := counts.Counter("new-checkout", "on", evaluator.ReasonStatic)
	for range 3 {
		on.Single()
	}
	on.Bulk()
	counts.Failure("", evaluator.CodeFlagNotFound).Single()
	counts.Counter("unasked", "on", evaluator.ReasonStatic)

	want := map[tally.Answer]tally.Figures{
		{Flag: "new-checkout", Variant: "on", Reason: evaluator.ReasonStatic}: {Single: 3, Bulk: 1},
		{Reason: evaluator.ReasonError, Code: evaluator.CodeFlagNotFound}:     {Single: 1},
		{Flag: "unasked", Variant: "on", Reason: evaluator.ReasonStatic}:      {},
	}
	if got := maps.Collect(counts.All()); !maps.Equal(got, want) {
		t.Errorf("the figures are %v, want %v", got, want)
	}
}

func TestAnswersComeInTheOrderInWhichTheirCountersWereMade(t *testing.T) {
	counts := tally.New()
	keys := []string{"c", "a", "b"}
	for _, key := range keys {
		counts.Counter(key, "on", evaluator.ReasonStatic)
	}
	var got []string
	for answer := range counts.All() {
		// Who iterates may ask for counters, and does not meet new ones.
		counts.Counter(answer.Flag, "off", evaluator.ReasonStatic)
		got = append(got, answer.Flag)
		if len(got) == 2 {
			break
		}
	}
	if len(got) != 2 || got[0] != "c" || got[1] != "a" {
		t.Errorf("the first two are %v, want c and a", got)
	}
}

func TestNothingIsLostAmongManyGoroutines(t *testing.T) {
	const goroutines, times = 8, 1000
	counts := tally.New()
	var askers sync.WaitGroup
	for range goroutines {
		askers.Go(func() {
			for range times {
				counts.Counter("hot", "on", evaluator.ReasonStatic).Single()
				counts.Counter("hot", "on", evaluator.ReasonStatic).Bulk()
			}
		})
	}
	askers.Wait()
	for answer, figures := range counts.All() {
		if figures.Single != goroutines*times || figures.Bulk != goroutines*times {
			t.Errorf("%v was counted %v, want %d of each", answer, figures, goroutines*times)
		}
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	counts := tally.New()
	key := string([]byte("new-checkout")) // another string than the one that is kept
	counts.Counter("new-checkout", "on", evaluator.ReasonStatic)
	if n := testing.AllocsPerRun(1000, func() {
		c := counts.Counter(key, "on", evaluator.ReasonStatic)
		c.Single()
		c.Bulk()
	}); n != 0 {
		t.Errorf("counting allocates %v times, want 0", n)
	}
}
