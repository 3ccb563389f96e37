package admin_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/internal/wire"
)

func note(f *admin.Fleet, r wire.Report) { f.Note(r, time.Now()) }

func applied(instance string, generation uint64) wire.Report {
	return wire.Report{Instance: instance, Generation: generation, State: wire.StateApplied}
}

func states(f *admin.Fleet) string {
	s := ""
	for _, i := range f.Instances() {
		s += fmt.Sprintf("%s:%s ", i.Name, i.State)
	}
	return s
}

func TestFleetKnowsHowInstancesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := admin.NewFleet()
		note(f, applied("d", 7))
		time.Sleep(50 * time.Second)
		note(f, applied("a", 7))
		note(f, wire.Report{Instance: "b", Generation: 6, State: wire.StateRejected, Reason: "digest"})
		note(f, wire.Report{Instance: "c", Generation: 7, State: wire.StateApplied, AgeSeconds: 90})
		note(f, wire.Report{Instance: "e", Generation: 7, State: wire.StateApplied, Quarantined: []wire.Flag{{Key: "x", Reason: "bad"}}})
		if got, want := states(f), "a:applied b:rejected c:stale d:silent e:rejected "; got != want {
			t.Errorf("instances are %q, want %q", got, want)
		}

		note(f, wire.Report{Instance: "a", Goodbye: true})
		time.Sleep(14*time.Minute + 30*time.Second)
		if got, want := states(f), "b:silent c:silent e:silent "; got != want {
			t.Errorf("after a goodbye and 15 minutes of silence instances are %q, want %q", got, want)
		}
	})
}

func TestWaitEndsWhenTheLastInstanceHasSpoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := admin.NewFleet()
		note(f, applied("a", 1))
		note(f, applied("b", 1))
		note(f, wire.Report{Instance: "c", Generation: 1, State: wire.StateRejected, Reason: "old"})
		go func() {
			time.Sleep(time.Second)
			note(f, applied("a", 2))
			time.Sleep(time.Second)
			note(f, applied("b", 3)) // later is as good
			time.Sleep(time.Second)
			note(f, wire.Report{Instance: "c", Generation: 1, State: wire.StateRejected, Reason: "new"})
		}()
		begun := time.Now()
		c := f.Wait(t.Context(), 2)
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("Wait returned after %v, want 3s: the first rejection is of an older generation", took)
		}
		if c.Expected != 3 || c.Applied != 2 || len(c.Rejected) != 1 || c.Rejected[0].Reason != "new" || c.Complete() {
			t.Errorf("convergence is %+v, want 2 of 3 and one rejection", c)
		}
	})
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := admin.NewFleet()
		note(f, applied("a", 1))
		note(f, applied("b", 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := f.Wait(ctx, 2)
		if c.Expected != 2 || c.Applied != 1 || len(c.Silent) != 1 || c.Silent[0] != "a" {
			t.Errorf("convergence is %+v, want 1 of 2 and a silent", c)
		}
	})
}

func TestNobodyIsNotConvergence(t *testing.T) {
	c := admin.NewFleet().Wait(t.Context(), 5)
	if c.Expected != 0 || c.Complete() {
		t.Errorf("convergence is %+v, want nobody and not complete", c)
	}
	f := admin.NewFleet()
	note(f, applied("a", 5))
	if c := f.Wait(t.Context(), 5); !c.Complete() {
		t.Errorf("convergence is %+v, want it complete", c)
	}
}
