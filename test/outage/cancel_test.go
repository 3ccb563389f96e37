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

	"github.com/flagline/flagline/provider"
)

// steps is up to which step of an operation its context is cancelled.
const steps = 24

// A fuse is a context that is cancelled when it is looked at for the nth time: in
// between any two things that an operation does.
type fuse struct {
	context.Context //nolint:containedctx // it is one

	cancel context.CancelFunc
	left   atomic.Int64
}

func newFuse(t testing.TB, n int) *fuse {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	f := &fuse{Context: ctx, cancel: cancel}
	f.left.Store(int64(n))
	return f
}

func (f *fuse) burn() {
	if f.left.Add(-1) <= 0 {
		f.cancel()
	}
}

func (f *fuse) Done() <-chan struct{} {
	f.burn()
	return f.Context.Done()
}

func (f *fuse) Err() error {
	f.burn()
	return f.Context.Err()
}

func (f *fuse) Deadline() (time.Time, bool) {
	f.burn()
	return f.Context.Deadline()
}

func (f *fuse) Value(key any) any {
	f.burn()
	return f.Context.Value(key)
}

// However soon the contexts of an initialisation, an evaluation and a shutdown end,
// none of them hangs, and the next does its work.
func TestContextsEndAtEveryStep(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		p := newProvider(t, append(o.options(t), provider.WithDeadline(patience))...)
		nobody := openfeature.EvaluationContext{}
		for n := range steps {
			within(t, "an initialisation", func() { _ = p.InitWithContext(newFuse(t, n), nobody) })
			if err := p.Init(nobody); err != nil {
				t.Fatalf("the initialisation after one that was cancelled at step %d: %v", n, err)
			}
			askAtOnce(t, p, m, n)
			within(t, "a shutdown", func() { _ = p.ShutdownWithContext(newFuse(t, n)) })
			if n%2 == 0 {
				p.Shutdown() // or else the next initialisation comes while one ends
			}
		}
	})
}

// askAtOnce asks several times at once for the same, with contexts that end at
// step n and one that does not, which is to be answered.
func askAtOnce(t *testing.T, p *provider.Provider, m mode, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			d := p.IntEvaluation(newFuse(t, n), "mine", -1, gold().Attributes())
			if m.local && d.Value != 10 || d.Value != 10 && d.Value != -1 {
				t.Errorf("cancelled at step %d it is %d: %v", n, d.Value, d.ResolutionError)
			}
		})
	}
	all.Go(func() {
		if d := p.IntEvaluation(t.Context(), "mine", -1, gold().Attributes()); d.Value != 10 {
			t.Errorf("beside others that are cancelled at step %d it is %d: %v", n, d.Value, d.ResolutionError)
		}
	})
	within(t, "an evaluation", all.Wait)
}

// The same with contexts that end at any time.
func TestContextsEndAtAnyTime(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, m mode, o *origin) {
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
		p := newProvider(t, append(o.options(t), provider.WithDeadline(patience), provider.WithCache(0))...)
		brief := func() context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(3000))*time.Microsecond)
			t.Cleanup(cancel)
			return ctx
		}
		for range 20 {
			within(t, "a round", func() {
				_ = p.InitWithContext(brief(), openfeature.EvaluationContext{})
				for range 10 {
					d := p.IntEvaluation(brief(), "mine", -1, gold().Attributes())
					if d.Value != 10 && d.Value != -1 {
						t.Errorf("it is %d", d.Value)
					}
				}
				_ = p.ShutdownWithContext(brief())
			})
		}
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatal(err)
		}
		if d := p.IntEvaluation(t.Context(), "mine", -1, gold().Attributes()); d.Value != 10 {
			t.Errorf("after all that it is %d: %v", d.Value, d.ResolutionError)
		}
	})
}
