//go:build unix

package outage_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// Work is what an application goes on doing while its origin has troubles: it asks.
type work struct {
	local bool
	end   context.CancelFunc
	all   sync.WaitGroup

	asked, unanswered, older atomic.Int64
	slowest                  atomic.Int64 // nanoseconds
}

// begin has two goroutines ask each app until the test ends.
func begin(t testing.TB, m mode, apps ...*app) *work {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	w := &work{local: m.local, end: cancel}
	t.Cleanup(func() {
		cancel()
		w.all.Wait()
	})
	for _, a := range apps {
		w.all.Go(func() { w.do(ctx, a, "number", openfeature.EvaluationContext{}) })
		w.all.Go(func() { w.do(ctx, a, "mine", gold()) })
	}
	return w
}

// do asks until ctx is done. Numbers only grow, so one that is less than before is
// an old one.
func (w *work) do(ctx context.Context, a *app, flag string, ec openfeature.EvaluationContext) {
	background := context.WithoutCancel(ctx)
	newest := int64(0)
	for ctx.Err() == nil {
		begun := time.Now()
		got := a.client.Int(background, flag, -1, ec)
		w.slowest.Store(max(w.slowest.Load(), int64(time.Since(begun)))) // of two writers one may win: it is about seconds
		w.asked.Add(1)
		switch {
		case got == -1:
			w.unanswered.Add(1)
		case got < newest:
			w.older.Add(1)
		default:
			newest = got
		}
		pause(time.Millisecond + rand.N(4*time.Millisecond))
	}
}

// check ends the work and says what went wrong with it.
func (w *work) check(t testing.TB) {
	t.Helper()
	w.end()
	w.all.Wait()
	slowest := time.Duration(w.slowest.Load())
	t.Logf("%d evaluations, %d without an answer, the slowest took %v", w.asked.Load(), w.unanswered.Load(), slowest)
	if older := w.older.Load(); older > 0 {
		t.Errorf("%d answers were older than one before", older)
	}
	if slowest > deadline+slack {
		t.Errorf("an evaluation took %v", slowest)
	}
	if n := w.unanswered.Load(); w.local && n > 0 {
		t.Errorf("%d evaluations in-process had no answer", n)
	}
}
