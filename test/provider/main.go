// Command provider measures what our OpenFeature provider costs applications
// beside flagd's and GO Feature Flag's, and beside one that returns a constant:
// through the SDK, past it, and while flags change.
//
// All of them run in this process, in rounds; the sidecar that is asked is a
// process of its own. It first compares answers, and stops if two of them differ.
// What counts is the processor time of this process.
//
// It writes bench/provider.json, and from that file the tables of
// docs/provider-performance.md.
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
	flag.IntVar(&s.rounds, "rounds", 15, "how often each way to ask is measured")
	flag.DurationVar(&s.batch, "batch", 100*time.Millisecond, "how long it is asked in a round")
	flag.BoolVar(&s.quick, "quick", false, "compare answers, measure nothing that counts, write nothing")
	flag.StringVar(&s.profile, "profile", "", "a file for the processor profile of what is evaluated in rounds")
	only := flag.String("only", "", "a regular expression: the cases and systems to run; writes no figures")
	render := flag.Bool("render", false, "measure nothing, write the page again from the figures that are there")
	flag.Parse()

	if err := run(context.Background(), os.Stdout, s, *only, *root, *render); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

// settings say how much is measured.
type settings struct {
	rounds  int
	batch   time.Duration
	quick   bool
	only    *regexp.Regexp
	profile string
}

func run(ctx context.Context, out io.Writer, s settings, only, root string, render bool) error {
	figuresFile := filepath.Join(root, "bench", "provider.json")
	page := filepath.Join(root, "docs", "provider-performance.md")
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
		s.rounds, s.batch = 1, time.Millisecond
	}
	b, err := newBench(ctx, out, s, root)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.all(ctx); err != nil {
		return err
	}
	if s.quick {
		fmt.Fprintln(out, "all answers agree; nothing that counts was measured")
		return nil
	}
	b.figures.print(out)
	if only != "" || s.profile != "" {
		return nil
	}
	if err := b.figures.writeJSON(figuresFile); err != nil {
		return err
	}
	return b.figures.writePage(page)
}

// all measures everything. Changes come first: they need all cores, and what
// comes after them stays on one.
func (b *bench) all(ctx context.Context) error {
	if err := b.whileChanging(ctx); err != nil {
		return err
	}
	if err := process.Settle(); err != nil {
		return err
	}
	if err := b.evaluations(ctx); err != nil {
		return err
	}
	b.figures.LoadAfter = load()
	return nil
}
