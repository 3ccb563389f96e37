package provider

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

func TestQueueThatGrowsTooLongKeepsWhatMatters(t *testing.T) {
	var q queue
	for i := range 10 * maxQueue {
		q.push(event(openfeature.ProviderStale, "", nil))
		q.push(event(openfeature.ProviderReady, "", nil))
		q.push(event(openfeature.ProviderConfigChange, "", []string{fmt.Sprint("flag-", i%3)}))
		if len(q) > maxQueue {
			t.Fatalf("the queue holds %d events, want at most %d", len(q), maxQueue)
		}
	}
	q = q.merged()
	if len(q) != 2 || q[0].EventType != openfeature.ProviderReady ||
		!slices.Equal(q[1].FlagChanges, []string{"flag-0", "flag-1", "flag-2"}) {
		t.Errorf("merged to %v, want READY and the change of three flags", q)
	}
	q.push(event(openfeature.ProviderConfigChange, "", nil))
	if q = q.merged(); q[1].FlagChanges != nil {
		t.Errorf("merged to %q, want no names: any flag may have changed", q[1].FlagChanges)
	}
}

func TestBackoffDoublesUntilAnAttemptHolds(t *testing.T) {
	b := backoff{least: time.Second, most: 5 * time.Second}
	var waits []time.Duration
	for _, lasted := range []time.Duration{0, 0, 0, 0, 2 * time.Second, time.Minute, 0} {
		waits = append(waits, b.next(lasted)/time.Second)
	}
	if want := []time.Duration{1, 2, 4, 5, 5, 1, 2}; !slices.Equal(waits, want) {
		t.Errorf("waited %d seconds, want %d", waits, want)
	}
}
