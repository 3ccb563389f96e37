// Package sourcetest holds every source to the contract of package source.
//
// A package that implements [source.Source] calls [Run] from a test, with a
// [Harness] that makes origins for it:
//
//	func TestContract(t *testing.T) {
//		sourcetest.Run(t, sourcetest.Harness{Open: openOrigin})
//	}
//
// The [Recorder], which the contract is checked with, serves other tests too.
package sourcetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

// A Harness makes origins of one kind.
type Harness struct {
	// Open makes an origin that is within reach but was never written. It
	// registers with t.Cleanup what has to be closed.
	Open func(t *testing.T) Origin
}

// An Origin is what a source reads, in the hands of a test. Its methods are
// called from one goroutine, and end the test if they cannot do what they say.
type Origin interface {
	// Source makes a source of this origin. It is called more than once.
	Source(t *testing.T) source.Source

	// Write makes doc all that the origin holds. It is not called while the
	// origin is broken.
	Write(t *testing.T, doc flagdoc.Document)

	// Break takes the origin out of the reach of all its sources.
	Break(t *testing.T)

	// Mend brings it back with what it held.
	Mend(t *testing.T)
}

// Run checks each sentence of the contract in a test of its own.
func Run(t *testing.T, h Harness) {
	for name, check := range map[string]func(*testing.T, Harness){
		"NameStaysAndTellsOriginsApart":            nameStaysAndTellsOriginsApart,
		"EverythingIsDeliveredAndThenEachChange":   everythingIsDeliveredAndThenEachChange,
		"GenerationsRise":                          generationsRise,
		"WatchEndsWithItsContext":                  watchEndsWithItsContext,
		"WatchEndsWithItsContextWhileBroken":       watchEndsWithItsContextWhileBroken,
		"AnOriginThatHoldsNothingIsWaitedFor":      anOriginThatHoldsNothingIsWaitedFor,
		"AnOriginThatIsAwayAtFirstIsWaitedFor":     anOriginThatIsAwayAtFirstIsWaitedFor,
		"ALostOriginKeepsItsFlagsAndIsFoundAgain":  aLostOriginKeepsItsFlagsAndIsFoundAgain,
		"NothingIsDeliveredAfterWatchReturned":     nothingIsDeliveredAfterWatchReturned,
		"ARejectedFlagDoesNotStopTheSource":        aRejectedFlagDoesNotStopTheSource,
		"TheStateIsConfirmedAgainWithoutAnyChange": theStateIsConfirmedAgainWithoutAnyChange,
	} {
		t.Run(name, func(t *testing.T) { check(t, h) })
	}
}

func nameStaysAndTellsOriginsApart(t *testing.T, h Harness) {
	a, b := h.Open(t), h.Open(t)
	src := a.Source(t)
	before := src.Name()
	if before == "" || before == b.Source(t).Name() {
		t.Errorf("two origins are named %q and %q, want two names", before, b.Source(t).Name())
	}
	a.Write(t, first)
	r := new(Recorder)
	stop := watch(t, src, r)
	r.AwaitDocument(t, first)
	stop()
	if after := src.Name(); after != before {
		t.Errorf("the name changed from %q to %q", before, after)
	}
	if again := a.Source(t).Name(); again != before {
		t.Errorf("another source of the same origin is named %q, want %q", again, before)
	}
}

func everythingIsDeliveredAndThenEachChange(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := new(Recorder)
	watch(t, o.Source(t), r)
	s := r.AwaitDocument(t, first)
	if !s.Updates[0].Replace {
		t.Error("the first update is not marked as all there is")
	}
	for _, doc := range []flagdoc.Document{second, emptied, first} {
		o.Write(t, doc)
		r.AwaitDocument(t, doc)
	}
}

func generationsRise(t *testing.T, h Harness) {
	o := h.Open(t)
	r := new(Recorder)
	watch(t, o.Source(t), r)
	for _, doc := range []flagdoc.Document{first, second, first} {
		o.Write(t, doc)
		r.AwaitDocument(t, doc)
	}
	var last source.Version
	for _, u := range r.State().Updates {
		if u.Version.Incarnation == last.Incarnation && u.Version.Generation <= last.Generation {
			t.Errorf("an update leads to generation %d after %d", u.Version.Generation, last.Generation)
		}
		last = u.Version
	}
}

func watchEndsWithItsContext(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := new(Recorder)
	stop := watch(t, o.Source(t), r)
	r.AwaitDocument(t, first)
	stop()
}

func watchEndsWithItsContextWhileBroken(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := new(Recorder)
	stop := watch(t, o.Source(t), r)
	r.AwaitDocument(t, first)
	o.Break(t)
	r.Await(t, "a report that the origin is lost", isLost)
	stop()
}

func anOriginThatHoldsNothingIsWaitedFor(t *testing.T, h Harness) {
	o := h.Open(t)
	r := new(Recorder)
	watch(t, o.Source(t), r)
	s := r.Await(t, "a report of why there are no flags", func(s State) bool { return s.Status.Err != nil })
	if len(s.Updates) > 0 || !s.Status.Confirmed.IsZero() {
		t.Errorf("an origin that was never written gave %d updates and was confirmed at %v", len(s.Updates), s.Status.Confirmed)
	}
	o.Write(t, first)
	r.AwaitDocument(t, first)
	r.Await(t, "a report that all is well", isWell)
}

func anOriginThatIsAwayAtFirstIsWaitedFor(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	o.Break(t)
	r := new(Recorder)
	watch(t, o.Source(t), r)
	if s := r.Await(t, "a report that the origin is away", isLost); len(s.Updates) > 0 {
		t.Errorf("a broken origin gave %d updates", len(s.Updates))
	}
	o.Mend(t)
	r.AwaitDocument(t, first)
	r.Await(t, "a report that all is well", isWell)
}

func aLostOriginKeepsItsFlagsAndIsFoundAgain(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := new(Recorder)
	watch(t, o.Source(t), r)
	r.AwaitDocument(t, first)
	r.Await(t, "a report that all is well", isWell)

	o.Break(t)
	s := r.Await(t, "a report that the origin is lost", isLost)
	if len(s.Records) != len(RecordsOf(first)) {
		t.Errorf("losing the origin left %d records of %d", len(s.Records), len(RecordsOf(first)))
	}
	o.Mend(t)
	r.Await(t, "a report that all is well again", isWell)
	o.Write(t, second)
	r.AwaitDocument(t, second)
}

func nothingIsDeliveredAfterWatchReturned(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	src := o.Source(t)
	before := new(Recorder)
	stop := watch(t, src, before)
	before.AwaitDocument(t, first)
	stop()
	atEnd := before.State()

	o.Write(t, second)
	after := new(Recorder)
	watch(t, src, after) // the same source, watched again
	after.AwaitDocument(t, second)
	if s := before.State(); len(s.Updates) != len(atEnd.Updates) || s.Reports != atEnd.Reports {
		t.Errorf("after Watch returned there were %d more updates and %d more reports",
			len(s.Updates)-len(atEnd.Updates), s.Reports-atEnd.Reports)
	}
}

func aRejectedFlagDoesNotStopTheSource(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := &Recorder{Reject: func(u source.Update) []source.Rejection {
		i := slices.IndexFunc(u.Records, func(rec source.Record) bool { return !rec.Settings })
		if i < 0 {
			return nil
		}
		return []source.Rejection{{Set: u.Records[i].Set, Key: u.Records[i].Key, Reason: "it does not compile here"}}
	}}
	watch(t, o.Source(t), r)
	r.AwaitDocument(t, first)
	o.Write(t, second)
	r.AwaitDocument(t, second)
	r.Await(t, "a confirmation", func(s State) bool { return s.Status.Connected && !s.Status.Confirmed.IsZero() })
}

func theStateIsConfirmedAgainWithoutAnyChange(t *testing.T, h Harness) {
	o := h.Open(t)
	o.Write(t, first)
	r := new(Recorder)
	start := time.Now()
	watch(t, o.Source(t), r)
	s := r.Await(t, "a report that all is well", isWell)
	if s.Status.Confirmed.Before(start) {
		t.Errorf("confirmed at %v, before anything was read", s.Status.Confirmed)
	}
	later := r.Await(t, "a later confirmation", func(later State) bool {
		return later.Status.Confirmed.After(s.Status.Confirmed)
	})
	if len(later.Updates) != len(s.Updates) {
		t.Errorf("%d updates came although nothing changed", len(later.Updates)-len(s.Updates))
	}
}

func isLost(s State) bool { return !s.Status.Connected && s.Status.Err != nil }

func isWell(s State) bool {
	return s.Status.Connected && s.Status.Err == nil && !s.Status.Confirmed.IsZero()
}

// watch runs src.Watch until the returned function is called, or the test
// ends. It checks what Watch returned and how it called sink.
func watch(t *testing.T, src source.Source, sink *Recorder) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- src.Watch(ctx, sink) }()
	stop = sync.OnceFunc(func() {
		defer cancel()
		select {
		case err := <-done:
			t.Errorf("Watch returned %v before its context was done", err)
			return
		default:
		}
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Watch returned %v when its context was done, want nil", err)
			}
		case <-time.After(Patience):
			t.Errorf("Watch did not return within %v of the end of its context", Patience)
		}
		if sink.Overlapped() {
			t.Error("the source called its sink while another call was under way")
		}
	})
	t.Cleanup(stop)
	return stop
}
