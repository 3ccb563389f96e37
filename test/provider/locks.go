package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flagline/flagline/test/compare/workload"
)

// crowded is how many goroutines evaluate at once to see what they wait for.
const crowded = 8

// locks looks at who waits for whom while flags change.
func (b *bench) locks(ctx context.Context, runners []*changeRunner) error {
	var seen []string
	for _, r := range runners {
		if slices.Contains(seen, r.way.name) {
			continue
		}
		seen = append(seen, r.way.name)
		if err := r.stir.set(true); err != nil {
			return err
		}
		w, err := contention(ctx, r.way, 4*b.batch)
		if problem := r.stir.set(false); err == nil {
			err = problem
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.way.name, err)
		}
		b.figures.Contention = append(b.figures.Contention, w)
	}
	return nil
}

// contention evaluates both flags on many threads at once, and returns what the
// mutex profile has seen meanwhile.
func contention(ctx context.Context, w *way, long time.Duration) (contentionRow, error) {
	for _, flag := range []workload.Flag{static, endswith} {
		if err := w.loop(ctx, flag, always(workload.Few))(1); err != nil { // from now on the answer is known
			return contentionRow{}, err
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(crowded)) // more than there are cores: who holds a lock may be stopped
	defer runtime.SetMutexProfileFraction(runtime.SetMutexProfileFraction(1))
	before := waits()
	begin := time.Now()
	errs := make([]error, crowded)
	var all sync.WaitGroup
	for i := range crowded {
		flag := []workload.Flag{static, endswith}[i%2]
		run := w.loop(ctx, flag, always(workload.Few))
		all.Go(func() {
			const few = 256
			for errs[i] == nil && time.Since(begin) < long {
				errs[i] = run(few)
			}
		})
	}
	all.Wait()
	row := contentionRow{System: w.name, Goroutines: crowded, Seconds: significant(time.Since(begin).Seconds())}
	for stack, count := range waits() {
		if count -= before[stack]; count > 0 {
			row.add(stack, count)
		}
	}
	return row, errors.Join(errs...)
}

// add counts waits for a lock. Those of Go's runtime, which guard its memory and
// its scheduler, are not for us to hold or to leave alone.
func (r *contentionRow) add(s stack, count int64) {
	names := s.functions()
	switch {
	case strings.HasPrefix(names[0], "runtime."):
		r.Runtime += count
	case ofProduct(names):
		r.Ours += count
		r.Where = strings.Join(names, " < ")
	default:
		r.Others += count
	}
}

// A stack is where somebody let go of a lock for which others waited.
type stack [32]uintptr

// waits is how often that has happened since the program began.
func waits() map[stack]int64 {
	var records []runtime.BlockProfileRecord
	for n, ok := runtime.MutexProfile(nil); !ok; n, ok = runtime.MutexProfile(records) {
		const more = 50 // may come while we look
		records = make([]runtime.BlockProfileRecord, n+more)
	}
	counts := make(map[stack]int64)
	for _, r := range records {
		if r.Count > 0 {
			counts[stack(r.Stack0)] += r.Count
		}
	}
	return counts
}

// functions are those on the stack, from the lock outwards.
func (s stack) functions() (names []string) {
	frames := runtime.CallersFrames(slices.DeleteFunc(s[:], func(pc uintptr) bool { return pc == 0 }))
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		names = append(names, frame.Function)
	}
	return names
}

// ofProduct says so if somebody waited for the product: because a function of it
// let go of the lock, or because that happened inside of an evaluation. What
// else is done with locks of others, to hear of changes, holds up nobody who
// evaluates.
func ofProduct(names []string) bool {
	const product = "github.com/flagline/flagline/"
	for _, name := range names {
		if strings.HasPrefix(name, product+"provider.(*Provider).") || strings.HasPrefix(name, product+"provider.(*Handle") {
			return true
		}
	}
	i := slices.IndexFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, "sync.") && !strings.HasPrefix(name, "internal/sync.") && !strings.HasPrefix(name, "runtime.")
	})
	return i >= 0 && strings.HasPrefix(names[i], product) &&
		!strings.HasPrefix(names[i], product+"test/") && !strings.HasPrefix(names[i], product+"sidecar") // which tests run here
}
