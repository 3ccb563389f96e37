package store_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

var sizes = []int{10, 1_000, 10_000}

func BenchmarkLoad(b *testing.B) {
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			update := all(document(size)...)
			b.ReportAllocs()
			for b.Loop() {
				store.New().Add("a").Apply(update)
			}
		})
	}
}

func BenchmarkApplyOneChange(b *testing.B) {
	for _, size := range sizes {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			s := store.New()
			sink := s.Add("a")
			sink.Apply(all(document(size)...))
			updates := [2]source.Update{some(flag("", "flag-00007", "2")), some(flag("", "flag-00007", "3"))}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				before := s.Current()
				sink.Apply(updates[i%2])
				store.Diff(before, s.Current(), store.Selector{})
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	s := store.New()
	s.Add("low").Apply(all(document(10_000)...))
	s.Add("high").Apply(all(flag("", "another", "1")))
	sn := s.Current()
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := sn.Find(store.Selector{}, "flag-00007"); !ok {
			b.Fatal("the flag is not there")
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	s := store.New()
	s.Add("low").Apply(all(document(10)...))
	s.Add("high").Apply(all(flag("x", "another", "1")))
	sn := s.Current()
	for _, sel := range []store.Selector{{}, {Source: "low"}, {BySet: true}} {
		n := testing.AllocsPerRun(1000, func() {
			if _, ok := sn.Find(sel, "flag-00007"); !ok {
				t.Fatal("the flag is not there")
			}
		})
		if n != 0 {
			t.Errorf("Find with selector %+v allocates %v times, want 0", sel, n)
		}
	}
}

func document(size int) []source.Record {
	records := make([]source.Record, size)
	for i := range records {
		records[i] = flag("", fmt.Sprintf("flag-%05d", i), "1")
	}
	return records
}
