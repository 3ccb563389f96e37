package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A mutation is one mistake.
type mutation struct {
	name   string
	dir    string // from the root; the rule language's if it is ""
	old    string // is found exactly once in the files of dir
	new    string // stands in its place
	breaks string // what is not true any more
}

func (m mutation) folder() string { return filepath.FromSlash(cmp.Or(m.dir, "evaluator/jsonlogic")) }

// An outcome is what became of a mutation.
type outcome int

const (
	undecided outcome = iota // it did not compile, or the test ended otherwise
	caught
	survived
)

type verdict struct {
	outcome outcome
	how     string
}

func (v verdict) String() string {
	switch v.outcome {
	case caught:
		return "caught by " + v.how
	case survived:
		return "SURVIVED"
	default:
		return "NO VERDICT: " + v.how
	}
}

// A lab is where mutations are tried: a folder beside the tree.
type lab struct {
	root, dir   string
	cases, seed int
}

func newLab(ctx context.Context, cases, seed int) (*lab, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	dir, err := os.MkdirTemp("", "flagline-engine-mutants-")
	if err != nil {
		return nil, err
	}
	return &lab{root: filepath.Dir(strings.TrimSpace(string(out))), dir: dir, cases: cases, seed: seed}, nil
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// find looks for the texts of all mutations in the tree.
func (l *lab) find(list []mutation) error {
	var found []error
	for _, m := range list {
		if _, _, err := l.mutate(m); err != nil {
			found = append(found, err)
		}
	}
	return errors.Join(found...)
}

// mutate returns the file that m is about, and it with the mistake in it.
func (l *lab) mutate(m mutation) (file string, broken []byte, err error) {
	names, err := filepath.Glob(filepath.Join(l.root, m.folder(), "*.go"))
	if err != nil {
		return "", nil, err
	}
	count := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return "", nil, err
		}
		if n := bytes.Count(source, []byte(m.old)); n > 0 {
			count += n
			file, broken = name, bytes.Replace(source, []byte(m.old), []byte(m.new), 1)
		}
	}
	if count != 1 {
		return "", nil, fmt.Errorf("%s: its text is found %d times in %s, want once: it is out of date", m.name, count, m.folder())
	}
	return file, broken, nil
}

// How long a build and a comparison may take. A mistake that makes an
// evaluation run on is noticed by that.
const (
	buildTime = 3 * time.Minute
	testTime  = time.Minute
)

// try builds the tests with the mistake, if m has one, and runs them.
func (l *lab) try(ctx context.Context, m mutation) verdict {
	program := filepath.Join(l.dir, strings.ReplaceAll(m.name, " ", "-"))
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", program}
	if m.old != "" {
		overlay, err := l.overlay(m, program)
		if err != nil {
			return verdict{how: err.Error()}
		}
		args = append(args, "-overlay", overlay)
	}
	defer os.Remove(program)
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	build := exec.CommandContext(ctx, "go", append(args, "./evaluator")...)
	build.Dir = l.root
	if out, err := build.CombinedOutput(); err != nil {
		return verdict{how: fmt.Sprintf("it does not compile: %s", bytes.TrimSpace(out))}
	}
	return l.compare(ctx, program)
}

// overlay writes the broken file, and what tells the compiler of it.
func (l *lab) overlay(m mutation, program string) (string, error) {
	file, source, err := l.mutate(m)
	if err != nil {
		return "", err
	}
	broken, overlay := program+".go", program+".json"
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: broken}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(broken, source, 0o600); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, text, 0o600)
}

var (
	noticed = regexp.MustCompile(`case \d+ of seed \d+`)
	panics  = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*)$`)
)

// compare runs the comparison.
func (l *lab) compare(ctx context.Context, program string) verdict {
	test := exec.CommandContext(ctx, program, "-test.run", "^TestGeneratedRulesAnswerAsFlagdDoes$",
		"-test.timeout", testTime.String(), "-differ.cases", strconv.Itoa(l.cases), "-differ.seed", strconv.Itoa(l.seed))
	test.Dir = filepath.Join(l.root, "evaluator")
	out, err := test.CombinedOutput()
	switch found := noticed.Find(out); {
	case err == nil:
		return verdict{outcome: survived}
	case found != nil:
		return verdict{outcome: caught, how: string(found)}
	}
	if found := panics.Find(out); found != nil {
		return verdict{outcome: caught, how: string(found)}
	}
	return verdict{how: fmt.Sprintf("%v: %s", err, out)}
}
