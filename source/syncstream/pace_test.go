package syncstream

import (
	"testing"
	"time"
)

func TestStreamsThatBringNothingAreOpenedMoreAndMoreSeldom(t *testing.T) {
	p := pace{least: defaultMinBackoff, most: defaultMaxBackoff}
	for i, most := range []time.Duration{2, 4, 8, 16, 30, 30, 30} {
		most *= time.Second
		if wait := p.wait(false, 0); wait < most/2 || wait > most {
			t.Errorf("after %d failures it waits %v, want between %v and %v", i+1, wait, most/2, most)
		}
	}
	p.wait(true, time.Hour)
	if wait := p.wait(false, 0); wait > defaultMinBackoff {
		t.Errorf("after flags and a failure it waits %v", wait)
	}
}

func TestStreamsThatBringFlagsAreOpenedAgainAtOnceButApart(t *testing.T) {
	p := pace{least: defaultMinBackoff, most: defaultMaxBackoff}
	for lasted, least := range map[time.Duration]time.Duration{0: apart, apart / 4: apart * 3 / 4, apart: 0, time.Hour: 0} {
		if wait := p.wait(true, lasted); wait < least || wait > least+together {
			t.Errorf("after a stream of %v it waits %v, want %v and at most %v more", lasted, wait, least, together)
		}
	}
}

func TestThoseWhoLoseOneServerDoNotComeBackTogether(t *testing.T) {
	early := 0
	for range 1000 {
		if new(pace).wait(true, time.Hour) < together/2 {
			early++
		}
	}
	if early < 300 || early > 700 {
		t.Errorf("%d of 1,000 come back in the first half of the time", early)
	}
}
