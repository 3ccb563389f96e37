// Change measures what the protocol adds to a change of one flag, for
// environments of 100, 10,000 and 100,000 flags, on servers that sync every
// write: one, and a cluster of three that all store the environment.
//
// Publishing is compared with a bare atomic batch of two messages, which is the
// least that a change can be; both are made in turns, by one connection, to the
// server that leads both streams. The moment at which a reader has applied a
// change, flags compiled, is compared with the moment at which a bare subscriber
// in the same process has the batch's last message. What applying costs is
// measured without a server, by one goroutine.
//
// With 10,000 flags on one server, the same change is also made through the REST
// API, by a client over loopback, and journals follow: they ask for the newest
// head, read the generation, check it, and write it down with fsync. The least
// that can take is a write of as many bytes.
//
// All of it is one process on one machine with one disk: servers, publisher and
// reader. So its processor time, which is measured apart from the rest, with no
// reader, and many rounds of one kind on end, includes that of the servers; and
// three servers wait for one disk. They may still answer sooner than one alone: a
// batch is one entry of the log that they agree on, synced once by each of them,
// where one server first makes a store for the batch's messages and syncs that.
//
// # The file
//
// What it writes is a JSON object with three arrays. "rows" has an object for each
// environment, with "replicas", "flags" and "rounds", and what was measured:
//
//   - "bareBatch" and "commit", and the ratio of their medians,
//     "commitOverBareBatch";
//   - "subscriber" and "reader", both from the beginning of the commit, and the
//     ratio of their medians, "readerOverSubscriber".
//
// "apply" has an object for each number of "flags", with "rounds".
//
// "around" has an object for each of what a change is surrounded by: "what", one
// of "bare batch", "commit", "REST" (the request names a flag alone), "REST, set
// named", "journal" and "bare write and fsync", all made by turns in one
// environment of so many "flags" on one server, and "rounds".
//
// What was measured is "p50Microseconds" and "p99Microseconds", by nearest rank,
// and "cpuMicroseconds", the processor time on average. That is absent where it
// cannot be told apart, or at all. In the objects of "apply" and "around" these
// are members of the object itself.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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

// A result is the file that is written.
type result struct {
	Rows   []protocolRow `json:"rows"`
	Apply  []applyRow    `json:"apply"`
	Around []aroundRow   `json:"around"`
}

func run(ctx context.Context, rounds int, out string) error {
	if rounds < 1 {
		return errors.New("measure one round at least")
	}
	var all result
	for _, flags := range sizes {
		r, err := measureApply(flags)
		if err != nil {
			return fmt.Errorf("%d flags: %w", flags, err)
		}
		all.Apply = append(all.Apply, r)
	}
	for _, replicas := range []int{1, 3} {
		for _, flags := range sizes {
			r, err := measureProtocol(ctx, replicas, flags, rounds)
			if err != nil {
				return fmt.Errorf("%d flags on %d servers: %w", flags, replicas, err)
			}
			all.Rows = append(all.Rows, r)
		}
	}
	var err error
	if all.Around, err = measureAround(ctx, 10_000, rounds); err != nil {
		return fmt.Errorf("around a commit: %w", err)
	}
	return all.report(os.Stdout, out)
}

// report prints r to to, and writes it to the file out.
func (r result) report(to io.Writer, out string) error {
	fmt.Fprintln(to, "Times in µs: p50/p99, and of the processor, on average.")
	fmt.Fprintf(to, "\n%8s %8s | %13s %6s | %13s %6s %5s | %13s %13s %5s\n",
		"replicas", "flags", "batch", "CPU", "commit", "CPU", "ratio", "subscriber", "reader", "ratio")
	for _, r := range r.Rows {
		fmt.Fprintf(to, "%8d %8d | %13s %6.0f | %13s %6.0f %5.2f | %13s %13s %5.2f\n", r.Replicas, r.Flags,
			r.BareBatch, r.BareBatch.CPU, r.Commit, r.Commit.CPU, r.CommitRatio, r.Subscriber, r.Reader, r.ReaderRatio)
	}
	fmt.Fprintf(to, "\n%-20s %8s | %13s %6s\n", "around a commit", "flags", "", "CPU")
	for _, r := range r.Apply {
		fmt.Fprintf(to, "%-20s %8d | %13s %6.0f\n", "apply", r.Flags, r.figures, r.CPU)
	}
	for _, r := range r.Around {
		fmt.Fprintf(to, "%-20s %8d | %13s %6.0f\n", r.What, r.Flags, r.figures, r.CPU)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}
