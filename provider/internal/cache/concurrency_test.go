package cache_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

// A changing flag has one version at the server, and one that is known to have
// been announced.
type changing struct {
	name              string
	served, announced atomic.Int64
}

// TestNobodyIsToldWhatWasDropped has readers who know which version of a flag
// was announced, and may not be told an older one.
func TestNobodyIsToldWhatWasDropped(t *testing.T) {
	c := cache.New[int64](20) // fewer than there are questions
	c.Listen()
	flags := make([]*changing, 4)
	for i := range flags {
		flags[i] = &changing{name: fmt.Sprint("flag-", i)}
	}
	var done atomic.Bool
	var reading sync.WaitGroup
	for reader := range 8 {
		reading.Go(func() {
			for i := reader; !done.Load() && !t.Failed(); i++ {
				f := flags[i%len(flags)]
				announced := f.announced.Load()
				got, err := c.Ask(t.Context(), f.name, boolean, user(fmt.Sprint(i%16)), func(context.Context) (int64, cache.Keep, error) {
					served := f.served.Load()
					runtime.Gosched() // on its way back
					return served, cache.Keep(i % 3), nil
				})
				if err != nil || got < announced {
					t.Errorf("reader %d was told version %d, %v, of %s after version %d was announced", reader, got, err, f.name, announced)
				}
			}
		})
	}
	for i := range 20_000 {
		f := flags[i%len(flags)]
		version := f.served.Add(1)
		switch i % 50 {
		case 0:
			c.DropAll()
		case 1: // the stream was lost, and is back
			c.Pause()
			f.served.Add(1)
			c.Listen()
		default:
			c.Drop(f.name)
		}
		f.announced.Store(version)
		runtime.Gosched()
	}
	done.Store(true)
	reading.Wait()
	if got := c.Stats(); got.Hits == 0 || got.Entries > 20 {
		t.Errorf("Stats() = %+v, want hits and at most 20 entries", got)
	}
}

// TestHitsWaitForNobody has readers who only hit while a writer drops and keeps
// as fast as it can, and looks whether anybody waited for a lock of the cache.
func TestHitsWaitForNobody(t *testing.T) {
	c := listening(1000)
	keep(t, c, "static", boolean, nil, "yes", cache.Static)
	keep(t, c, "targeted", boolean, contextOf(5), "yes", cache.ByContext)

	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	before := waits()
	var done atomic.Bool
	var reading sync.WaitGroup
	for range 8 {
		reading.Go(func() {
			ec := contextOf(5)
			for !done.Load() {
				for _, flag := range []string{"static", "targeted"} {
					if got, err := c.Ask(t.Context(), flag, boolean, ec, says("no", cache.Never)); got != "yes" || err != nil {
						t.Errorf("Ask(%q) = %q, %v, want a hit", flag, got, err)
						return
					}
				}
				runtime.Gosched()
			}
		})
	}
	for i := range 20_000 {
		flag := fmt.Sprint("flag-", i%100)
		keep(t, c, flag, boolean, user("ann"), "yes", cache.ByContext)
		c.Drop(flag)
		runtime.Gosched()
	}
	done.Store(true)
	reading.Wait()
	if got := waits() - before; got != 0 {
		t.Errorf("somebody waited %d times for a lock of the cache, want never", got)
	}
}

// waits returns how often, in this process, a lock was released by the cache
// for which others waited.
func waits() (count int64) {
	var records []runtime.BlockProfileRecord
	for n, ok := runtime.MutexProfile(nil); !ok; n, ok = runtime.MutexProfile(records) {
		records = make([]runtime.BlockProfileRecord, n+10)
	}
	n, _ := runtime.MutexProfile(records)
	for _, record := range records[:n] {
		ours, lock := false, false
		frames := runtime.CallersFrames(record.Stack())
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			ours = ours || strings.Contains(frame.Function, "provider/internal/cache.")
			// The locks of the runtime are in the profile as well.
			lock = lock || strings.HasPrefix(frame.Function, "sync.(*Mutex).")
		}
		if ours && lock {
			count += record.Count
		}
	}
	return count
}
