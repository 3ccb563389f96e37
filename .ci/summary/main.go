// Command summary tells how tests went, from what "go test -json" wrote into
// the files that are its arguments: the output of what failed, go test's own
// line for each package, and at the end "N passed, N failed". What else passed
// or failed is counted with the tests.
//
// It exits with 1 if anything failed, or if no test ran at all.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	passed := flag.Int("passed", 0, "how much else passed")
	failed := flag.Int("failed", 0, "how much else failed")
	flag.Parse()

	var s summary
	for _, name := range flag.Args() {
		if err := s.readFile(name); err != nil {
			fmt.Fprintln(os.Stderr, "summary:", err)
			s.failed++
		}
	}
	bad := s.failed+*failed > 0 || s.passed == 0
	s.passed += *passed
	s.failed += *failed
	s.write(os.Stdout)
	if bad {
		os.Exit(1)
	}
}

// An event is one line of "go test -json".
type event struct {
	Action     string
	Package    string
	ImportPath string // instead of Package, while it is built
	Test       string
	Output     string
}

// A summary is what is known so far. Tests count, subtests do not; a package
// that fails without a test that failed (it does not compile, or its process
// died) counts as one.
type summary struct {
	passed, failed int
	failures       []string // the output of what failed
	packages       []string // one line each
}

// A run is what is known of one package while its tests run.
type run struct {
	output map[string][]string // by test, "" for the package itself
	ended  map[string]bool
	failed bool
}

func (s *summary) readFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()

	lines := bufio.NewReader(f)
	runs := make(map[string]*run)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) == nil {
			s.note(runs, e)
		} else if text := strings.TrimSpace(string(line)); text != "" {
			s.failures = append(s.failures, text+"\n") // go test itself
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, r := range runs {
		if !r.ended[""] && strings.IndexByte(name, ' ') < 0 { // cut off in the middle
			s.fail(name, r, "")
			s.packages = append(s.packages, "FAIL\t"+name+" [did not end]\n")
		}
	}
	return nil
}

func (s *summary) note(runs map[string]*run, e event) {
	name := e.Package
	if name == "" {
		name, _, _ = strings.Cut(e.ImportPath, " ")
	}
	r, ok := runs[name]
	if !ok {
		r = &run{output: make(map[string][]string), ended: make(map[string]bool)}
		runs[name] = r
	}
	top, _, sub := strings.Cut(e.Test, "/")
	switch e.Action {
	case "output", "build-output":
		r.output[top] = append(r.output[top], e.Output)
		if e.Test == "" && (strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t")) {
			s.packages = append(s.packages, e.Output)
		}
	case "pass", "skip", "fail":
		if sub {
			return
		}
		r.ended[e.Test] = true
		switch {
		case e.Action == "fail" && (e.Test != "" || !r.failed):
			s.fail(name, r, e.Test)
		case e.Action == "pass" && e.Test != "":
			s.passed++
		}
		delete(r.output, top)
	}
}

// fail counts a failed test, or, with no test, a package that failed by
// itself. Tests that had begun are shown with it: one of them is the reason.
func (s *summary) fail(name string, r *run, test string) {
	r.failed = true
	s.failed++
	s.failures = append(s.failures, "=== "+strings.TrimSpace(name+" "+test)+"\n")
	s.failures = append(s.failures, r.output[test]...)
	if test != "" {
		return
	}
	for began, output := range r.output {
		if began != "" && !r.ended[began] {
			s.failures = append(s.failures, output...)
		}
	}
}

func (s *summary) write(w io.Writer) {
	for _, text := range append(s.failures, s.packages...) {
		fmt.Fprint(w, text)
	}
	fmt.Fprintf(w, "%d passed, %d failed\n", s.passed, s.failed)
}
