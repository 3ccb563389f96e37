package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/test/compare/workload"
	"github.com/flagline/flagline/test/provider/churn"
)

// changesPerSecond is how often a flag changes while others are evaluated.
const changesPerSecond = 1000

// A stir is flags that change when they are told to, and who evaluates others of
// them.
type stir struct {
	change func(bool) error
	ways   []*way
	heard  atomic.Uint64 // how many changed flags the provider has named
}

// stirInProcess has a provider in-process, and a handle of it.
func (b *bench) stirInProcess(ctx context.Context) (*stir, error) {
	s := new(stir)
	var on atomic.Bool
	s.change = func(changes bool) error { on.Store(changes); return nil }
	flags, err := churn.New(b.document, changesPerSecond, on.Load)
	if err != nil {
		return nil, err
	}
	p, err := newOurs(provider.WithSource(flags))
	if err != nil {
		return nil, err
	}
	client, err := b.set(ctx, ours, p)
	if err != nil {
		return nil, err
	}
	s.listen(client)
	s.ways = []*way{throughClient(ours, client), throughHandle(ctx, oursHandle, p)}
	return s, nil
}

// stirSidecar has a sidecar, and a provider that knows its answers.
func (b *bench) stirSidecar(ctx context.Context) (*stir, error) {
	s := new(stir)
	address, change, err := b.serveChanges(ctx)
	if err != nil {
		return nil, err
	}
	s.change = change
	p, err := newOurs(provider.WithSidecar(address))
	if err != nil {
		return nil, err
	}
	client, err := b.set(ctx, oursKnown, p)
	if err != nil {
		return nil, err
	}
	s.listen(client)
	s.ways = []*way{throughClient(oursKnown, client)}
	return s, nil
}

func (s *stir) listen(client *openfeature.Client) {
	count := func(e openfeature.EventDetails) { s.heard.Add(uint64(len(e.FlagChanges))) }
	client.AddHandler(openfeature.ProviderConfigChange, &count)
}

// set has flags change or rest, and returns when the provider hears of it.
func (s *stir) set(changes bool) error {
	const (
		flow  = changesPerSecond / 10
		still = 100 * time.Millisecond
		long  = time.Minute
	)
	if err := s.change(changes); err != nil {
		return err
	}
	begin, first := time.Now(), s.heard.Load()
	last, since := first, begin
	for time.Since(begin) < long {
		time.Sleep(time.Millisecond)
		now := s.heard.Load()
		if now != last {
			last, since = now, time.Now()
		}
		if changes && now-first > flow || !changes && time.Since(since) > still {
			return nil
		}
	}
	return fmt.Errorf("changes are %v, but the provider does not hear so", changes)
}

// A changeRunner is one way to ask for one flag while others change.
type changeRunner struct {
	stir       *stir
	way        *way
	flag       workload.Flag
	run        func(n int) error
	rest, busy []float64
	heard      []float64
}

// whileChanging measures evaluations while flags change, and while they rest, in
// turns.
func (b *bench) whileChanging(ctx context.Context) error {
	var runners []*changeRunner
	for _, start := range []func(context.Context) (*stir, error){b.stirInProcess, b.stirSidecar} {
		s, err := start(ctx)
		if err != nil {
			return err
		}
		for _, w := range s.ways {
			for _, flag := range []workload.Flag{static, endswith} {
				run := w.loop(ctx, flag, always(workload.Few))
				if !b.only.MatchString("changes, " + w.name) {
					continue
				}
				runners = append(runners, &changeRunner{stir: s, way: w, flag: flag, run: run})
			}
		}
	}
	for range b.rounds {
		for _, r := range runners {
			if err := r.sample(b.batch); err != nil {
				return fmt.Errorf("%s, %s, with changes: %w", r.flag.Key, r.way.name, err)
			}
		}
	}
	for _, r := range runners {
		b.figures.Changes = append(b.figures.Changes, r.row())
	}
	return b.locks(ctx, runners)
}

func (r *changeRunner) sample(batch time.Duration) error {
	if err := r.stir.set(false); err != nil {
		return err
	}
	if err := r.time(batch, &r.rest); err != nil {
		return err
	}
	if err := r.stir.set(true); err != nil {
		return err
	}
	begin, heard := time.Now(), r.stir.heard.Load()
	err := r.time(batch, &r.busy)
	r.heard = append(r.heard, float64(r.stir.heard.Load()-heard)/time.Since(begin).Seconds())
	if problem := r.stir.set(false); err == nil {
		err = problem
	}
	return err
}

// time evaluates for a while on a thread of its own, and notes the processor time
// of that thread: what is done with the changes elsewhere is not in it.
func (r *changeRunner) time(batch time.Duration, to *[]float64) error {
	const few = 256
	runtime.GC()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	n := 0
	used, err := threadUsed()
	if err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < batch; n += few {
		if err := r.run(few); err != nil {
			return err
		}
	}
	after, err := threadUsed()
	*to = append(*to, float64((after-used).Nanoseconds())/float64(n))
	return err
}

func (r *changeRunner) row() changeRow {
	return changeRow{
		System: r.way.name, Flag: r.flag.Key,
		Rest: significant(median(r.rest)), RestMin: significant(slices.Min(r.rest)), RestMax: significant(slices.Max(r.rest)),
		Busy: significant(median(r.busy)), BusyMin: significant(slices.Min(r.busy)), BusyMax: significant(slices.Max(r.busy)),
		Heard: significant(median(r.heard)),
	}
}
