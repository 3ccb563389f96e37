package cache_test

import (
	"fmt"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

func TestFullCacheGivesUpWhatWasNotUsed(t *testing.T) {
	const entries = 100
	c := listening(entries)
	for i := range entries {
		keep(t, c, "targeted", boolean, user(fmt.Sprint(i)), fmt.Sprint(i), cache.ByContext)
	}
	// Who is asked for now and then stays, however many pass by.
	for i := range 10 * entries {
		if i%(entries/2) == 0 {
			for i := range entries / 4 {
				found(t, c, "targeted", boolean, user(fmt.Sprint(i)), fmt.Sprint(i))
			}
		}
		keep(t, c, fmt.Sprintf("passing-%d", i), boolean, nil, "yes", cache.Static)
		if got := c.Stats().Entries; got != entries {
			t.Fatalf("there are %d entries, want %d", got, entries)
		}
	}
	for i := range entries {
		want := ""
		if i < entries/4 {
			want = fmt.Sprint(i)
		}
		found(t, c, "targeted", boolean, user(fmt.Sprint(i)), want)
	}
	found(t, c, "passing-0", boolean, nil, "")
	if got, want := c.Stats().Evicted, uint64(10*entries); got != want {
		t.Errorf("%d were evicted, want %d", got, want)
	}
}

func TestOneEntryIsOneEntry(t *testing.T) {
	c := listening(1)
	keep(t, c, "a", boolean, nil, "a", cache.Static)
	keep(t, c, "a", number, nil, "1", cache.Static) // its flag is that of who has to go
	found(t, c, "a", boolean, nil, "")
	found(t, c, "a", number, nil, "1")
	keep(t, c, "a", boolean, user("ann"), "b", cache.ByContext)
	found(t, c, "a", number, nil, "")
	found(t, c, "a", boolean, user("ann"), "b")
	keep(t, c, "b", number, nil, "2", cache.Static)
	found(t, c, "a", boolean, user("ann"), "")
	found(t, c, "b", number, nil, "2")
}

func TestCacheOfNothingKeepsNothing(t *testing.T) {
	for _, entries := range []int{0, -1} {
		c := listening(entries)
		keep(t, c, "a", boolean, nil, "yes", cache.Static)
		keep(t, c, "a", boolean, nil, "no", cache.ByContext)
		found(t, c, "a", boolean, nil, "")
		if got := c.Stats(); got.Entries != 0 || got.Misses != 2 || got.Calls != 2 {
			t.Errorf("Stats() = %+v, want 0 entries, 2 misses and 2 calls", got)
		}
	}
}

func TestFlagOfWhichNothingIsKeptIsForgotten(t *testing.T) {
	c := listening(1)
	for i := range 100 {
		keep(t, c, fmt.Sprint("never-", i), boolean, nil, "yes", cache.Never)
		keep(t, c, fmt.Sprint("evicted-", i), boolean, nil, "yes", cache.Static)
		keep(t, c, fmt.Sprint("dropped-", i), boolean, nil, "yes", cache.ByContext)
		c.Drop(fmt.Sprint("dropped-", i))
	}
	if got := c.Flags(); got > 1 {
		t.Errorf("%d flags are known, want at most that of the one entry", got)
	}
}

func TestNothingIsLeftOfWhatIsDropped(t *testing.T) {
	c := listening(10)
	for range 3 {
		for _, drop := range []func(){c.DropAll, c.Listen, func() { c.Drop("a", "b") }} {
			keep(t, c, "a", boolean, user("ann"), "yes", cache.ByContext)
			keep(t, c, "b", boolean, nil, "yes", cache.Static)
			drop()
			if flags, answers := c.Flags(), c.AnswersByContext(); flags != 0 || answers != 0 {
				t.Fatalf("%d flags and %d answers are left, want none", flags, answers)
			}
		}
	}
}

func TestContextIsSummedUpOnlyForFlagsThatDependOnIt(t *testing.T) {
	c := listening(2)
	expectSums := func(flag string, want bool) {
		t.Helper()
		if got := c.Sums(flag); got != want {
			t.Errorf("a look for flag %s sums up its context: %t, want %t", flag, got, want)
		}
	}
	keep(t, c, "a", boolean, nil, "yes", cache.Static)
	expectSums("a", false)
	expectSums("b", false)
	keep(t, c, "a", number, nil, "7", cache.ByContext)
	expectSums("a", true)
	found(t, c, "a", boolean, nil, "yes")
	keep(t, c, "b", boolean, nil, "yes", cache.Static) // instead of the number
	found(t, c, "a", number, nil, "")
	expectSums("a", false)
}
