// Command compare measures how much processor time flag evaluation takes:
// flagd's core, other flag systems, expression languages, code written by hand
// for each flag, and Flagline, side by side in one process.
//
// It first compares answers, and stops if two systems disagree about a flag.
// Then it measures in rounds. In each round every system of a case runs once,
// in an order that changes from round to round, so that a machine that slows
// down slows down for all of them. What counts is the processor time of the
// process, with the collection of the garbage that a system makes.
//
// It writes bench/compare.json, and from that file docs/performance.md and the
// picture in it.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	var s settings
	root := flag.String("root", "../..", "the repository whose figures are written; empty writes none")
	flag.IntVar(&s.rounds, "rounds", 7, "how often each system runs each case")
	flag.DurationVar(&s.batch, "batch", 100*time.Millisecond, "processor time that a system gets in a round")
	flag.BoolVar(&s.quick, "quick", false, "compare answers about fewer flags, measure nothing that counts, write nothing")
	only := flag.String("only", "", "a regular expression: the cases to run; writes no figures")
	render := flag.Bool("render", false, "measure nothing, write the page again from the figures that are there")
	flag.Parse()

	if err := run(os.Stdout, s, *only, *root, *render); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// settings say how much is measured.
type settings struct {
	rounds int
	batch  time.Duration
	quick  bool
	only   *regexp.Regexp
}

// flags is n, or so few that a quick run does not take long.
func (s settings) flags(n int) int {
	if s.quick {
		return max(n/100, 40)
	}
	return n
}

func run(out io.Writer, s settings, only, root string, render bool) error {
	if render {
		figures, err := readFigures(filepath.Join(root, "bench", "compare.json"))
		if err != nil {
			return err
		}
		return figures.writePage(filepath.Join(root, "docs"))
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if s.quick {
		s.rounds, s.batch = 1, time.Millisecond
	}
	figures, err := measureAll(out, s)
	if err != nil {
		return err
	}
	if s.quick {
		fmt.Fprintln(out, "all answers agree; nothing that counts was measured")
		return nil
	}
	figures.print(out)
	if only != "" || root == "" {
		return nil
	}
	if err := figures.writeJSON(filepath.Join(root, "bench", "compare.json")); err != nil {
		return err
	}
	return figures.writePage(filepath.Join(root, "docs"))
}
