// Command server measures what the sidecar's server costs beside flagd's: the
// processor time of a request through each door, the memory of flags and of
// streams, the time to the first right answer, and what a change costs.
//
// All servers are processes of their own that are asked by one client, in
// rounds. It first compares answers, and stops if two of them differ in
// meaning. What counts is the processor time of the server's process.
//
// It writes bench/server.json, and from that file the tables of
// docs/server-performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/flagline/flagline/test/server/process"
)

func main() {
	var s settings
	root := flag.String("root", "../..", "the repository that the sidecar is built from, and whose figures are written")
	flag.IntVar(&s.rounds, "rounds", 7, "how often each server is asked in each case")
	flag.DurationVar(&s.batch, "batch", time.Second, "how long it is asked in a round")
	flag.BoolVar(&s.quick, "quick", false, "compare answers, measure nothing that counts, write nothing; does without flagd")
	flag.BoolVar(&s.large, "large", false, "let flagd, too, load 100,000 flags, which takes minutes")
	flag.StringVar(&s.flagd, "flagd", "", "flagd's program (default: built as -flagd-version)")
	flag.StringVar(&s.version, "flagd-version", "v0.16.1", "the version of flagd")
	only := flag.String("only", "", "a regular expression: the cases to run; writes no figures")
	render := flag.Bool("render", false, "measure nothing, write the page again from the figures that are there")
	flag.Parse()

	if err := run(context.Background(), os.Stdout, s, *only, *root, *render); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// settings say how much is measured.
type settings struct {
	rounds  int
	batch   time.Duration
	quick   bool
	large   bool
	flagd   string
	version string
	only    *regexp.Regexp
}

// few is n, or so few that a quick run does not take long.
func (s settings) few(n int) int {
	if s.quick {
		return max(n/100, 10)
	}
	return n
}

func run(ctx context.Context, out io.Writer, s settings, only, root string, render bool) error {
	figuresFile := filepath.Join(root, "bench", "server.json")
	page := filepath.Join(root, "docs", "server-performance.md")
	if render {
		f, err := readFigures(figuresFile)
		if err != nil {
			return err
		}
		return f.writePage(page)
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if s.quick {
		s.rounds, s.batch = 1, 20*time.Millisecond
	}
	b, err := newBench(ctx, out, s, root)
	if err != nil {
		return err
	}
	defer b.close()
	if err := process.Settle(); err != nil {
		return err
	}
	if err := b.all(ctx); err != nil {
		return err
	}
	if s.quick {
		fmt.Fprintln(out, "all answers agree; nothing that counts was measured")
		return nil
	}
	b.figures.print(out)
	if only != "" {
		return nil
	}
	if err := b.figures.writeJSON(figuresFile); err != nil {
		return err
	}
	return b.figures.writePage(page)
}
