// Distribution measures how long a change takes from the moment somebody
// decides it until each door answers differently: OFREP, gRPC in both versions,
// and the provider in both modes.
//
// Everything is real and on this machine: a NATS server that syncs every write
// to disk, a publisher, a sidecar and providers, over loopback. The doors are
// asked without pause until the answer is the new one, one door at a time, in
// turns, so that a slower machine is slower for all of them. The floor is a
// plain NATS subscription that sees the record head.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"time"
)

func main() {
	changes := flag.Int("changes", 500, "changes to measure at each door")
	out := flag.String("json", "bench/distribution.json", "file to write the figures to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *changes, *out); err != nil {
		fmt.Fprintln(os.Stderr, "distribution:", err)
		os.Exit(1)
	}
}

// turn is how many changes are measured at a door before it is the next one's.
const turn = 25

// A row is what was measured at one door.
type row struct {
	Door    string  `json:"door"`
	Changes int     `json:"changes"`
	P50ms   float64 `json:"p50Milliseconds"`
	P99ms   float64 `json:"p99Milliseconds"`
	Ratio   float64 `json:"p50OverFloor"`

	samples []time.Duration
}

func run(ctx context.Context, changes int, out string) error {
	b, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer b.close()
	doors, err := b.doors(ctx)
	if err != nil {
		return err
	}
	rows := make([]row, len(doors))
	for done := 0; done < changes; done += turn {
		for i, d := range doors {
			for range min(turn, changes-done) {
				took, err := b.measure(ctx, d)
				if err != nil {
					return fmt.Errorf("%s: %w", d.name, err)
				}
				rows[i].samples = append(rows[i].samples, took)
			}
		}
	}
	for i := range rows {
		rows[i].summarize(doors[i].name, rows[0].median())
	}
	return report(os.Stdout, rows, out)
}

func (r *row) median() time.Duration { return quantile(r.samples, 0.5) }

func (r *row) summarize(door string, floor time.Duration) {
	r.Door, r.Changes = door, len(r.samples)
	r.P50ms = milliseconds(r.median())
	r.P99ms = milliseconds(quantile(r.samples, 0.99))
	r.Ratio = float64(r.median()) / float64(floor)
}

// quantile is the nearest-rank quantile q, above 0 and at most 1.
func quantile(samples []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[max(rank, 0)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report prints rows to to, and writes them to the file out.
func report(to io.Writer, rows []row, out string) error {
	fmt.Fprintf(to, "%-28s %8s %10s %10s %8s\n", "from decision to answer", "changes", "p50 ms", "p99 ms", "/ floor")
	for _, r := range rows {
		fmt.Fprintf(to, "%-28s %8d %10.2f %10.2f %8.2f\n", r.Door, r.Changes, r.P50ms, r.P99ms, r.Ratio)
	}
	data, err := json.MarshalIndent(map[string]any{"rows": rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}
