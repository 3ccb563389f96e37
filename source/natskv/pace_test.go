package natskv

import (
	"testing"
	"time"
)

func TestReloadsAreSpreadOutButTheFirst(t *testing.T) {
	var l loading
	now := time.Now()
	if wait := l.wait(now); wait != 0 {
		t.Fatalf("the first reload waits %v", wait)
	}
	now = now.Add(time.Second)
	due := now.Add(l.wait(now))
	if due.Before(now) || due.After(now.Add(reloadWithin)) {
		t.Fatalf("the second reload waits until %v after it was wanted", due.Sub(now))
	}
	// Whatever asks in between gets the same answer.
	for at := now; at.Before(due); at = at.Add(500 * time.Millisecond) {
		if got := at.Add(l.wait(at)); !got.Equal(due) {
			t.Errorf("asked %v later it is due at %v, want %v", at.Sub(now), got, due)
		}
	}
	if wait := l.wait(due); wait != 0 {
		t.Errorf("when it is due it waits %v more", wait)
	}
	if wait := l.wait(due.Add(reloadEvery)); wait != 0 {
		t.Errorf("one that comes long after waits %v", wait)
	}
}

func TestReloadsOfManyDoNotMeet(t *testing.T) {
	now := time.Now()
	var early, late int
	for range 1000 {
		l := loading{last: now}
		switch wait := l.wait(now); {
		case wait < reloadWithin/2:
			early++
		default:
			late++
		}
	}
	if early < 300 || late < 300 {
		t.Errorf("%d of 1,000 reload in the first half of the time, and %d in the second", early, late)
	}
}
