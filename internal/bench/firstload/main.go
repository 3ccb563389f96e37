// Firstload measures how long a process that knows nothing takes until it can
// answer for every flag, and what happens when 2,000 of them start at once.
//
// Everything is real and on this machine: a NATS server that syncs every write
// to disk, a publisher, and readers, over loopback. One load is a whole source
// and a whole store: connection, reading, digest and compilation; by replay of
// the log, and by the base. The floor is a client that asks for the base and
// looks at nothing.
//
// The fleet is 2,000 connections that are open already and ask in the same
// moment. Each checks the hash of what it got and where that stands in the log,
// and keeps nothing; none unpacks or compiles, for 2,000 readers have 2,000
// machines, and these share one with the server.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
)

func main() {
	readers := flag.Int("readers", 2000, "readers that start at once")
	loads := flag.Int("loads", 20, "loads to measure one after the other, of each kind")
	out := flag.String("json", "bench/firstload.json", "file to write the figures to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *readers, *loads, *out); err != nil {
		fmt.Fprintln(os.Stderr, "firstload:", err)
		os.Exit(1)
	}
}

// sizes are the numbers of flags that are loaded. The fleet loads the first.
var sizes = []int{10_000, 100_000}

// A row is what was measured of one kind of load.
type row struct {
	Load  string  `json:"load"`
	Flags int     `json:"flags"`
	Loads int     `json:"loads"`
	P50ms float64 `json:"p50Milliseconds"`
	P99ms float64 `json:"p99Milliseconds"`
	Maxms float64 `json:"maxMilliseconds"`
	CPUms float64 `json:"cpuMillisecondsEach"` // on average, the server's share included
}

func run(ctx context.Context, readers, loads int, out string) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	var rows []row
	for i, flags := range sizes {
		env := environment(flags)
		l, err := b.publish(ctx, env, flags)
		if err != nil {
			return err
		}
		if i > 0 {
			loads = max(loads/4, 1) // each takes ten times as long
		}
		replayed, err := repeat(loads, func() (time.Duration, error) { return b.load(ctx, env) })
		if err != nil {
			return fmt.Errorf("load by replay: %w", err)
		}
		if err := l.WriteBase(ctx); err != nil {
			return err
		}
		floor, err := repeat(loads, func() (time.Duration, error) { return b.floor(ctx, env) })
		if err != nil {
			return fmt.Errorf("ask for the base: %w", err)
		}
		based, err := repeat(loads, func() (time.Duration, error) { return b.load(ctx, env) })
		if err != nil {
			return fmt.Errorf("load by the base: %w", err)
		}
		rows = append(rows, floor.row("base, bytes alone (floor)", flags),
			based.row("base, compiled", flags), replayed.row("replay, compiled", flags))
		if i > 0 {
			continue
		}
		runtime.GC()
		fleet, err := b.fleet(ctx, env, readers)
		if err != nil {
			return fmt.Errorf("load a fleet: %w", err)
		}
		rows = append(rows, fleet.row("base, all readers at once", flags))
	}
	return report(os.Stdout, rows, out)
}

// A sample is what loads of one kind took: each of them, and all of them of the
// processor.
type sample struct {
	took []time.Duration
	cpu  time.Duration
}

// repeat measures loads one after the other, with the garbage of none in the
// time of another.
func repeat(loads int, load func() (time.Duration, error)) (sample, error) {
	var s sample
	for range loads {
		runtime.GC()
		before := cputime.Used()
		took, err := load()
		if err != nil {
			return sample{}, err
		}
		s.cpu += cputime.Used() - before
		s.took = append(s.took, took)
	}
	return s, nil
}

func (s sample) row(load string, flags int) row {
	slices.Sort(s.took)
	n := len(s.took)
	return row{
		Load: load, Flags: flags, Loads: n, CPUms: float64(s.cpu.Microseconds()) / 1000 / float64(n),
		P50ms: quantile(s.took, 0.5), P99ms: quantile(s.took, 0.99), Maxms: quantile(s.took, 1),
	}
}

// quantile is the nearest-rank quantile q of sorted samples, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return float64(sorted[max(rank, 0)].Microseconds()) / 1000
}

// report prints rows to to, and writes them to the file out.
func report(to io.Writer, rows []row, out string) error {
	fmt.Fprintf(to, "%-28s %8s %8s %10s %10s %10s %12s\n", "first load", "flags", "loads", "p50 ms", "p99 ms", "max ms", "CPU ms each")
	for _, r := range rows {
		fmt.Fprintf(to, "%-28s %8d %8d %10.1f %10.1f %10.1f %12.1f\n", r.Load, r.Flags, r.Loads, r.P50ms, r.P99ms, r.Maxms, r.CPUms)
	}
	data, err := json.MarshalIndent(map[string]any{"rows": rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}
