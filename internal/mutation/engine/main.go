// Engine breaks the evaluator on purpose, one mistake at a time, and expects
// that the comparison with flagd's answers notices each.
//
// A mistake is a text of a source file and what stands in its place. The tree
// is not touched: the compiler is told to read the broken file instead of the
// right one (go help build, -overlay). For every mistake it builds the tests of
// package evaluator, runs the one that compares generated rules, and prints
// which case noticed. It ends with 0 only if no mistake survived, each one
// compiled, and each text was found exactly once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	cases := flag.Int("cases", 60_000, "how many generated rules are compared")
	seed := flag.Int("seed", 1, "which rules are generated")
	only := flag.String("run", "", "the one mutation to try")
	check := flag.Bool("check", false, "only look whether each text is found once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *check, *cases, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "mutation/engine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, check bool, cases, seed int) error {
	l, err := newLab(ctx, cases, seed)
	if err != nil {
		return err
	}
	defer l.close()
	list := mutations()
	if only != "" {
		list = slices.DeleteFunc(list, func(m mutation) bool { return m.name != only })
	}
	if len(list) == 0 {
		return fmt.Errorf("there is no mutation %q", only)
	}
	if err := l.find(list); err != nil || check {
		return err
	}
	if v := l.try(ctx, mutation{name: "no mutation"}); v.outcome != survived {
		return fmt.Errorf("without any mutation: %s", v)
	}
	return report(l.tryAll(ctx, list))
}

// mutations are all of them.
func mutations() []mutation {
	return slices.Concat(ofValues, ofOperators, ofVersions, ofLoops, ofGraphs)
}

// tryAll tries as many at once as there are processors; each waits for the
// compiler most of the time.
func (l *lab) tryAll(ctx context.Context, list []mutation) []verdict {
	verdicts := make([]verdict, len(list))
	next := make(chan int)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				began := time.Now()
				verdicts[i] = l.try(ctx, list[i])
				fmt.Fprintf(os.Stdout, "%-28s %4.1fs  %s\n", list[i].name, time.Since(began).Seconds(), verdicts[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	wg.Wait()
	return verdicts
}

// report sums up, and returns what is wrong.
func report(verdicts []verdict) error {
	counts := make(map[outcome]int)
	for _, v := range verdicts {
		counts[v.outcome]++
	}
	fmt.Fprintf(os.Stdout, "%d mutations: %d caught, %d survived, %d came to no verdict\n",
		len(verdicts), counts[caught], counts[survived], counts[undecided])
	switch {
	case counts[undecided] > 0:
		return errors.New("some came to no verdict")
	case counts[survived] > 0:
		return errors.New("some survived: the comparison has a gap")
	}
	return nil
}
