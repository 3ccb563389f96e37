package httppoll

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// firstRetry and lastRetry bound how soon a server that is away is asked
	// again, if the interval is longer than that.
	firstRetry = 5 * time.Second
	lastRetry  = time.Minute

	// busyRetry bounds how long a server that is busy and does not say for how
	// long is left in peace, and longestRest how long one that does.
	busyRetry   = 5 * time.Minute
	longestRest = time.Hour
)

// A pace decides when to ask next.
type pace struct {
	interval, phase time.Duration
	failures        int // in a row
}

// wait returns how long to wait at now, after the last question ended with err.
func (p *pace) wait(now time.Time, err error) time.Duration {
	if err == nil {
		p.failures = 0
		return p.next(now)
	}
	p.failures++
	if busy, ok := errors.AsType[*busyError](err); ok {
		rest := min(busy.rest, longestRest)
		if rest <= 0 {
			rest = doubled(min(p.interval, lastRetry), p.failures, busyRetry)
		}
		return rest + rand.N(min(rest, p.interval)) // all are told the same
	}
	retry := doubled(firstRetry, p.failures, lastRetry)
	return min(p.next(now), retry/2+rand.N(retry/2))
}

// next returns how long it is from now to the next moment to ask. One that is
// about to come is left out: the wall clock may have been set back a little
// while the timer ran.
func (p *pace) next(now time.Time) time.Duration {
	since := time.Duration(now.UnixNano()-int64(p.phase)) % p.interval
	wait := (p.interval - since) % p.interval
	if wait < p.interval/10 {
		wait += p.interval
	}
	return wait
}

// doubled returns d, doubled for every failure after the first, up to limit.
// It is d at least.
func doubled(d time.Duration, failures int, limit time.Duration) time.Duration {
	grown := d
	for range failures - 1 {
		if grown >= limit {
			break
		}
		grown *= 2
	}
	return max(d, min(grown, limit))
}
