package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flagline/flagline/test/compare/workload"
)

// fewAndMany are how many attributes describe a subject.
var fewAndMany = []int{workload.Few, workload.Many}

// A kase is a flag that is asked for in several ways.
type kase struct {
	name       string
	flag       workload.Flag
	attributes int // that describe each subject
	atOnce     int // how many goroutines ask; 0 is one
	ways       []string
}

// The names of the cases, but for the attributes.
const (
	staticCase   = "static"
	endswithCase = "endswith"
	askedCase    = "endswith, asked for"
	eightCase    = "endswith, asked for by 8 at once"
	manyCase     = "endswith, asked for by 64 at once"
	staticBare   = "static, past the SDK"
	endswithBare = "endswith, past the SDK"
)

// cases are all of them.
func cases() []kase {
	var (
		client = []string{constant, ours, flagd, goFeature, oursKnown}
		remote = []string{
			oursAsking, oursFresh, flagdAsking, flagdFresh,
			oursAskingSocket, oursFreshSocket, flagdSocket,
			bareHTTP2, bareHTTP1,
		}
		crowd = []string{oursFresh, flagdFresh, oursFreshSocket, flagdFreshSocket}
		bare  = []string{oursHandle, flagInHand, flagByKey, goByHand}
	)
	var list []kase
	for _, n := range fewAndMany {
		list = append(list,
			kase{name: staticCase, flag: static, attributes: n, ways: append(slices.Clone(client), flagdKnown)},
			kase{name: endswithCase, flag: endswith, attributes: n, ways: client},
			kase{name: askedCase, flag: endswith, attributes: n, ways: remote},
			kase{name: eightCase, flag: endswith, attributes: n, ways: crowd, atOnce: 8},
			kase{name: manyCase, flag: endswith, attributes: n, ways: crowd, atOnce: 64},
			kase{name: staticBare, flag: static, attributes: n, ways: bare},
			kase{name: endswithBare, flag: endswith, attributes: n, ways: bare},
		)
	}
	return list
}

// variantOf is the variant of f that has this value.
func variantOf(f workload.Flag, value any) (variant string, ok bool) {
	for _, v := range f.Variants {
		if f.Value(v) == value {
			return v, true
		}
	}
	return "", false
}

// evaluations compares answers, and measures all cases in one go.
func (b *bench) evaluations(ctx context.Context) error {
	all, err := b.ways(ctx)
	if err != nil {
		return err
	}
	var runners []*runner
	subjects := new(atomic.Int64)
	for _, k := range cases() {
		if err := k.agree(ctx, all); err != nil {
			return err
		}
		fmt.Fprintf(b.out, "%s, %d attributes: all answers agree\n", k.name, k.attributes)
		for _, name := range k.ways {
			w := all[name]
			runners = append(runners, &runner{kase: k, system: name, run: k.loop(ctx, w, subjects)})
		}
	}
	if !b.quick {
		runners = slices.DeleteFunc(runners, func(r *runner) bool { return !b.only.MatchString(r.kase.name + ", " + r.system) })
	}
	if err := b.measure(runners); err != nil {
		return err
	}
	for _, r := range runners {
		b.figures.Rows = append(b.figures.Rows, r.row())
	}
	return nil
}

// loop returns what asks n times, by several at once if the case says so.
func (k kase) loop(ctx context.Context, w *way, subjects *atomic.Int64) func(n int) error {
	of := func() *audience {
		if w.fresh {
			return another(k.attributes, subjects)
		}
		return always(k.attributes)
	}
	if k.atOnce == 0 {
		return w.loop(ctx, k.flag, of())
	}
	loops := make([]func(int) error, k.atOnce)
	for i := range loops {
		loops[i] = w.loop(ctx, k.flag, of())
	}
	return func(n int) error {
		errs := make([]error, len(loops))
		var all sync.WaitGroup
		for i, loop := range loops {
			all.Go(func() { errs[i] = loop((n + i) / len(loops)) })
		}
		all.Wait()
		return errors.Join(errs...)
	}
}

// measure runs all runners once in each round, each time in another order.
func (b *bench) measure(runners []*runner) error {
	for _, r := range runners {
		if err := r.calibrate(b.batch); err != nil {
			return r.explain(err)
		}
	}
	if b.profile != "" {
		stop, err := profile(b.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	order := slices.Clone(runners)
	for round := range b.rounds {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, r := range order {
			if err := r.sample(); err != nil {
				return r.explain(err)
			}
		}
		fmt.Fprintf(b.out, "round %d of %d\n", round+1, b.rounds)
	}
	return nil
}

// profile notes where this process is, until it is stopped.
func profile(name string) (stop func(), err error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
	}, nil
}
