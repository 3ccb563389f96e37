package edition_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/edition"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
)

const (
	one   = `{"metadata":{"flagSetId":"shop"},"flags":{"a":{"variants":{"x":1}}}}`
	two   = `{"metadata":{"flagSetId":"shop"},"flags":{"a":{"variants":{"x":1}},"b":{"variants":{"x":1}}}}`
	other = `{"metadata":{"flagSetId":"other"},"flags":{"c":{"variants":{"x":1}}}}`
)

// keys makes editions that list the keys, and counts how many it makes.
func keys() (shelf *edition.Shelf[string], made *atomic.Int32) {
	made = new(atomic.Int32)
	return edition.NewShelf(func(sn *store.Snapshot, sel store.Selector) *string {
		made.Add(1)
		list := ""
		for key := range sn.Flags(sel) {
			list += key
		}
		return &list
	}, func(a, b *string) bool { return *a == *b }), made
}

func TestAnEditionIsMadeOnceForAllWhoWantIt(t *testing.T) {
	st, _ := flagtest.Store(t, one)
	shelf, made := keys()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() { shelf.Of(st.Current(), store.Selector{}) })
	}
	readers.Wait()
	if got := made.Load(); got != 1 {
		t.Errorf("it was made %d times", got)
	}
}

func TestOnlyWhatDiffersIsANewEdition(t *testing.T) {
	st, sink := flagtest.Store(t, one)
	flagtest.Deliver(t, st.Add("other.json"), 1, other)
	shelf, _ := keys()
	shop := store.Selector{BySet: true, Set: "shop"}
	first := shelf.Of(st.Current(), shop)
	flagtest.Deliver(t, sink, 2, one)
	if again := shelf.Of(st.Current(), shop); again != first {
		t.Errorf("the same flags are the edition %p, then %p", first, again)
	}
	flagtest.Deliver(t, sink, 3, two)
	if next := shelf.Of(st.Current(), shop); *next != "ab" {
		t.Errorf("after a change the edition is %q, want ab", *next)
	}
	if all := shelf.Of(st.Current(), store.Selector{}); *all != "abc" {
		t.Errorf("the edition of everything is %q, want abc", *all)
	}
}

func TestAReaderThatIsBehindGetsTheNewest(t *testing.T) {
	st, sink := flagtest.Store(t, one)
	shelf, _ := keys()
	behind := st.Current()
	flagtest.Deliver(t, sink, 2, two)
	shelf.Of(st.Current(), store.Selector{})
	if got := shelf.Of(behind, store.Selector{}); *got != "ab" {
		t.Errorf("a reader with an old snapshot gets %q, want the newest", *got)
	}
}

func TestSelectorsThatCallersMakeUpDoNotGather(t *testing.T) {
	st, _ := flagtest.Store(t, one)
	shelf, made := keys()
	all := shelf.Of(st.Current(), store.Selector{})
	for range 2 {
		for i := range 100 {
			shelf.Of(st.Current(), store.Selector{Source: fmt.Sprint(i)})
		}
	}
	// Had all been kept, the second round would have made none.
	if got := made.Load(); got < 150 {
		t.Errorf("of 200 editions %d were made, so the others were kept", got)
	}
	if got := shelf.Of(st.Current(), store.Selector{}); got != all {
		t.Errorf("the edition of everything was made again: %q", *got)
	}
}
