// Change measures what the protocol adds to a change of one flag, for
// environments of 100, 10,000 and 100,000 flags, on one server that syncs every
// write.
//
// Publishing is compared with a bare atomic batch of two messages, which is the
// least that a change can be; both are made in turns, by one connection. The
// moment at which a reader has applied a change, flags compiled, is compared
// with the moment at which a bare subscriber in the same process has the
// batch's last message. What applying costs is measured without a server.
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

var sizes = []int{100, 10_000, 100_000}

func main() {
	rounds := flag.Int("rounds", 300, "changes to measure at each size")
	out := flag.String("json", "bench/change.json", "file to write the figures to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *out); err != nil {
		fmt.Fprintln(os.Stderr, "change:", err)
		os.Exit(1)
	}
}

// A row is what was measured at one size. Times are medians, in microseconds.
type row struct {
	Flags       int     `json:"flags"`
	Rounds      int     `json:"rounds"`
	BareBatch   float64 `json:"bareBatchMicroseconds"`
	Commit      float64 `json:"commitMicroseconds"`
	CommitRatio float64 `json:"commitOverBareBatch"`
	Subscriber  float64 `json:"subscriberMicroseconds"` // from the beginning of Commit
	Reader      float64 `json:"readerMicroseconds"`     // idem
	ReaderRatio float64 `json:"readerOverSubscriber"`
	Apply       float64 `json:"applyMicroseconds"` // one goroutine, digest and compilation included
}

func run(ctx context.Context, rounds int, out string) error {
	var rows []row
	for _, flags := range sizes {
		r, err := measure(ctx, flags, rounds)
		if err != nil {
			return fmt.Errorf("%d flags: %w", flags, err)
		}
		rows = append(rows, r)
	}
	return report(os.Stdout, rows, out)
}

func report(to io.Writer, rows []row, out string) error {
	fmt.Fprintf(to, "%8s | %10s %10s %6s | %12s %10s %6s | %9s\n",
		"flags", "batch µs", "commit µs", "ratio", "subscriber µs", "reader µs", "ratio", "apply µs")
	for _, r := range rows {
		fmt.Fprintf(to, "%8d | %10.0f %10.0f %6.2f | %12.0f %10.0f %6.2f | %9.1f\n",
			r.Flags, r.BareBatch, r.Commit, r.CommitRatio, r.Subscriber, r.Reader, r.ReaderRatio, r.Apply)
	}
	data, err := json.MarshalIndent(map[string]any{"rows": rows}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}

func median(samples []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return float64(sorted[len(sorted)/2].Nanoseconds()) / 1000
}
