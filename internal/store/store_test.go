package store_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

func TestEmptyStoreIsNumberZero(t *testing.T) {
	s := store.New()
	if n := s.Current().Number; n != 0 {
		t.Errorf("the first snapshot is number %d, want 0", n)
	}
	s.Add("a.json")
	if n := s.Current().Number; n != 0 {
		t.Errorf("adding a layer made snapshot %d, want 0 still", n)
	}
	if _, ok := s.Current().Find(store.Selector{}, "a"); ok {
		t.Error("an empty store found a flag")
	}
}

func TestReadyOnceEverySourceHasDelivered(t *testing.T) {
	s := store.New()
	low, high := s.Add("low"), s.Add("high")
	for _, step := range []struct {
		sink  source.Sink
		ready bool
	}{{high, false}, {high, false}, {low, true}} {
		step.sink.Apply(source.Update{Replace: true})
		if s.Ready() != step.ready {
			t.Errorf("Ready() = %v, want %v", s.Ready(), step.ready)
		}
	}
}

func TestSourcesTellHowEachOneIsDoing(t *testing.T) {
	s := store.New()
	low := s.Add("low")
	s.Add("high")
	status := source.Status{Connected: true, Confirmed: time.Unix(1000, 0), Err: fmt.Errorf("a reason")}
	version := source.Version{Environment: "prod", Generation: 7}
	low.Report(status)
	low.Apply(source.Update{Version: version})

	want := []store.SourceState{{Name: "low", Status: status, Version: version, Delivered: true}, {Name: "high"}}
	if got := s.Sources(); !slices.Equal(got, want) {
		t.Errorf("Sources() = %+v, want %+v", got, want)
	}
	if got := s.Current().Version("low"); got != version {
		t.Errorf("Version(low) = %+v, want %+v", got, version)
	}
	if got := s.Current().Version("nobody"); got != (source.Version{}) {
		t.Errorf("Version(nobody) = %+v, want nothing", got)
	}
}

func TestSnapshotNeverChanges(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	sink.Apply(all(flag("", "a", "1"), flag("", "b", "1")))
	before := s.Current()
	sink.Apply(some(flag("", "a", "2"), gone("", "b"), flag("", "c", "1")))

	if got, want := answers(before, store.Selector{}), "a=1 b=1"; got != want {
		t.Errorf("the older snapshot answers %q, want %q still", got, want)
	}
	if got, want := answers(s.Current(), store.Selector{}), "a=2 c=1"; got != want {
		t.Errorf("the newer snapshot answers %q, want %q", got, want)
	}
}

func TestReplaceRemovesWhatItDoesNotMention(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	sink.Apply(all(settings("x", `{"metadata":{"v":1}}`), flag("x", "a", "1"), flag("y", "b", "1"), flag("y", "c", "1")))
	sink.Apply(all(flag("y", "b", "1")))
	if got, want := answers(s.Current(), store.Selector{}), "b=1"; got != want {
		t.Errorf("after Replace the store answers %q, want %q", got, want)
	}
	sink.Apply(all())
	if got := answers(s.Current(), store.Selector{}); got != "" {
		t.Errorf("after an empty Replace the store answers %q, want nothing", got)
	}
}

func TestOneChangedFlagOfTenThousandIsCompiledAlone(t *testing.T) {
	var records []source.Record
	for i := range 10_000 {
		records = append(records, flag("", fmt.Sprintf("flag-%05d", i), "1"))
	}
	const key = "flag-04711"
	for name, update := range map[string]source.Update{
		"a document with one change": all(append(slices.Clone(records), flag("", key, "2"))...),
		"one change":                 some(flag("", key, "2")),
	} {
		t.Run(name, func(t *testing.T) {
			s := store.New()
			sink := s.Add("a")
			sink.Apply(all(records...))
			before := s.Current()
			sink.Apply(update)

			for k, old := range before.Flags(store.Selector{}) {
				next, ok := s.Current().Find(store.Selector{}, k)
				if !ok || (next == old) != (k != key) {
					t.Fatalf("flag %s: found %v, same as before %v", k, ok, next == old)
				}
			}
			if got := store.Diff(before, s.Current(), store.Selector{}); len(got) != 1 || got[key] != evaluator.ChangeUpdate {
				t.Errorf("Diff = %v, want one update of %s", got, key)
			}
		})
	}
}

func TestSettingsReachTheFlagsOfTheirSetOnly(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	sink.Apply(all(flag("x", "a", "1"), flag("y", "b", "1"), settings("x", `{"metadata":{"v":"old"}}`)))
	before := s.Current()
	sink.Apply(some(settings("x", `{"metadata":{"v":"new"}}`)))

	a, _ := s.Current().Find(store.Selector{}, "a")
	if m := a.Evaluate(nil).Metadata; m["v"] != "new" || m["flagSetId"] != "x" {
		t.Errorf("the metadata of a is %v, want v new and flagSetId x", m)
	}
	if got := store.Diff(before, s.Current(), store.Selector{}); len(got) != 1 || got["a"] != evaluator.ChangeUpdate {
		t.Errorf("Diff = %v, want one update of a", got)
	}
	sink.Apply(some(source.Record{Set: "x", Settings: true}))
	a, _ = s.Current().Find(store.Selector{}, "a")
	if m := a.Evaluate(nil).Metadata; m["v"] != nil || m["flagSetId"] != "x" {
		t.Errorf("without settings the metadata of a is %v, want only flagSetId x", m)
	}
}

func TestUpdateWithoutChangeIsANewSnapshotWithoutDifference(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	update := all(settings("", `{"metadata":{"v":1}}`), flag("", "a", "1"))
	sink.Apply(update)
	before := s.Current()
	changes := s.Changes(t.Context())
	update.Version.Generation = 2
	sink.Apply(update)

	for old, next := range changes {
		if old != before || next.Version("a").Generation != 2 {
			t.Errorf("the watcher got %d to %d, generation %d", old.Number, next.Number, next.Version("a").Generation)
		}
		if got := store.Diff(old, next, store.Selector{}); len(got) != 0 {
			t.Errorf("Diff = %v, want nothing", got)
		}
		break
	}
}

func TestSlowReaderSeesTheNewestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.New()
		sink := s.Add("a")
		go func() {
			for i := range 3 {
				time.Sleep(time.Second)
				sink.Apply(all(flag("", "a", fmt.Sprint(i))))
			}
		}()

		var seen []uint64
		for _, next := range s.Changes(t.Context()) {
			seen = append(seen, next.Number)
			if next.Number == 3 {
				break
			}
			time.Sleep(time.Minute) // slower than the writer
		}
		if !slices.Equal(seen, []uint64{1, 3}) {
			t.Errorf("saw snapshots %v, want 1 and then 3", seen)
		}
	})
}

func TestChangesCountFromTheCallAndEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.New()
		sink := s.Add("a")
		changes := s.Changes(t.Context())
		sink.Apply(all(flag("", "a", "1"))) // before anybody listens
		for old, next := range changes {
			if old.Number != 0 || next.Number != 1 {
				t.Errorf("the first step leads from %d to %d, want 0 to 1", old.Number, next.Number)
			}
			break
		}

		done := make(chan struct{})
		go func() {
			defer close(done)
			for range s.Changes(t.Context()) {
				t.Error("a change came, and nothing had changed")
			}
		}()
		t.Cleanup(func() { <-done })
	})
}

func TestSourcesDeliverAtOnce(t *testing.T) {
	s := store.New()
	const sources, updates = 4, 50
	done := make(chan struct{})
	for i := range sources {
		sink := s.Add(fmt.Sprint("source-", i))
		go func() {
			defer func() { done <- struct{}{} }()
			for n := range updates {
				sink.Apply(some(flag("", fmt.Sprintf("flag-%d", i), fmt.Sprint(n))))
				sink.Report(source.Status{Connected: true})
				answers(s.Current(), store.Selector{})
			}
		}()
	}
	for range sources {
		<-done
	}
	if got, want := answers(s.Current(), store.Selector{}), "flag-0=49 flag-1=49 flag-2=49 flag-3=49"; got != want {
		t.Errorf("the store answers %q, want %q", got, want)
	}
	if got := s.Current().Number; got != sources*updates {
		t.Errorf("the snapshot is number %d, want %d", got, sources*updates)
	}
}
