package httppoll

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestSeedDecidesTheMomentAsInFlagd(t *testing.T) {
	// The remainders of the FNV-1a hash of the seed, 3,826,002,220, in seconds.
	for interval, want := range map[time.Duration]time.Duration{
		7 * time.Second:      3826002220 % 7 * time.Second,
		time.Minute:          3826002220 % 60 * time.Second,
		20 * time.Hour:       3826002220 % 72000 * time.Second,
		time.Millisecond * 5: 0,
	} {
		if got := phaseOf("a", interval); got != want {
			t.Errorf("the phase within %v is %v, want %v", interval, got, want)
		}
	}
}

func TestWithoutASeedTheMomentsSpread(t *testing.T) {
	early := 0
	for range 1000 {
		if phaseOf("", time.Minute) < 30*time.Second {
			early++
		}
	}
	if early < 300 || early > 700 {
		t.Errorf("%d of 1,000 ask in the first half of the interval", early)
	}
}

func TestQuestionsComeAtTheirMoment(t *testing.T) {
	p := pace{interval: time.Minute, phase: 7 * time.Second}
	for after, want := range map[time.Duration]time.Duration{
		0:                        7 * time.Second,
		7 * time.Second:          time.Minute,
		8 * time.Second:          59 * time.Second,
		6900 * time.Millisecond:  60100 * time.Millisecond, // a timer that was early
		-53 * time.Second:        time.Minute,
		-5400 * time.Millisecond: 12400 * time.Millisecond,
	} {
		if got := p.wait(noon.Add(after), nil); got != want {
			t.Errorf("%v after noon it waits %v, want %v", after, got, want)
		}
	}
	epoch := pace{interval: time.Hour, phase: time.Minute}
	if got := epoch.wait(time.Unix(0, 0), nil); got <= 0 || got > 2*time.Hour {
		t.Errorf("with a clock that was never set it waits %v", got)
	}
}

func TestLostServerIsAskedSoonerThanADayLater(t *testing.T) {
	p := pace{interval: 24 * time.Hour, phase: 18 * time.Hour}
	last := time.Duration(0)
	for i := range 10 {
		wait := p.wait(noon, errors.New("away"))
		if wait < firstRetry/2 || wait > lastRetry {
			t.Errorf("after %d failures it waits %v", i+1, wait)
		}
		last = wait
	}
	if last < lastRetry/2 {
		t.Errorf("after ten failures it waits %v, want half of %v at least", last, lastRetry)
	}
	if wait := p.wait(noon, nil); wait != 6*time.Hour {
		t.Errorf("after an answer it waits %v, want 6h", wait)
	}
	often := pace{interval: time.Second}
	if wait := often.wait(noon, errors.New("away")); wait != time.Second {
		t.Errorf("with an interval of a second it waits %v", wait)
	}
}

func TestBusyServerIsLeftInPeace(t *testing.T) {
	p := pace{interval: 5 * time.Second}
	for _, rest := range []time.Duration{time.Second, time.Minute, time.Hour} {
		if wait := p.wait(noon, &busyError{rest: rest}); wait < rest || wait > rest+5*time.Second {
			t.Errorf("told to come back after %v it waits %v", rest, wait)
		}
	}
	if wait := p.wait(noon, &busyError{rest: 1000 * time.Hour}); wait > longestRest+5*time.Second {
		t.Errorf("told to come back after 1,000 hours it waits %v", wait)
	}
	p.failures = 0
	for _, least := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		if wait := p.wait(noon, &busyError{}); wait < least*time.Second || wait > (least+5)*time.Second {
			t.Errorf("after %d busy answers it waits %v, want %v s or a little more", p.failures, wait, int(least))
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"":                     0,
		"120":                  2 * time.Minute,
		"-5":                   0,
		"1.5":                  0,
		"99999999999999999999": 0,
		noon.Add(time.Minute).Format(http.TimeFormat):                time.Minute,
		noon.Add(-time.Minute).Format(http.TimeFormat):               0,
		noon.Add(24 * time.Hour).Format(time.RFC1123Z):               0,
		noon.Add(time.Hour).Format("Monday, 02-Jan-06 15:04:05 MST"): time.Hour,
	} {
		if got := retryAfter(text, noon); got != want {
			t.Errorf("Retry-After: %s is %v, want %v", text, got, want)
		}
	}
}
