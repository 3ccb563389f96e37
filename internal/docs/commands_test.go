package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// programs builds the programs of this repository, once, and returns the
// folder that they are in.
var programs = sync.OnceValues(func() (dir string, err error) {
	dir, err = os.MkdirTemp("", "flagline-docs-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func binaries(t *testing.T) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatalf("build the programs: %v", err)
	}
	return dir
}

// Whatever a page tells the reader to type exists: each command and each of
// its settings, each target of make, each program that go is to run.
func TestCommandsExist(t *testing.T) {
	bin := binaries(t)
	targets := makeTargets(t)
	for _, p := range pages(t) {
		var typed []span
		for _, b := range p.blocks {
			if b.is("sh") {
				for _, command := range commands(b.text) {
					typed = append(typed, span{b.at, command})
				}
			}
		}
		for _, s := range typed {
			check(t, bin, targets, s)
		}
		for _, s := range p.code {
			if first, _, more := strings.Cut(s.text, " "); more && slices.Contains([]string{"flagline", "bin/flagline", "flagline-sidecar", "make"}, first) {
				check(t, bin, targets, s)
			}
		}
	}
}

func check(t *testing.T, bin string, targets []string, s span) {
	t.Helper()
	words := split(s.text)
	switch name := filepath.Base(words[0]); name {
	case "flagline", "flagline-sidecar":
		if why := unknown(t, filepath.Join(bin, name), words[1:]); why != "" {
			t.Errorf("%s: %s: %s", s.at, s.text, why)
		}
	case "make":
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") && !slices.Contains(targets, target) {
				t.Errorf("%s: the Makefile has no target %s", s.at, target)
			}
		}
	case "go":
		i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "./") })
		if i < 0 {
			return
		}
		if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(words[i], "..."))); err != nil {
			t.Errorf("%s: %s: %v", s.at, s.text, err)
		} else if program, ok := strings.CutPrefix(words[i], "./cmd/"); ok && words[1] == "run" {
			if why := unknown(t, filepath.Join(bin, program), words[i+1:]); why != "" {
				t.Errorf("%s: %s: %s", s.at, s.text, why)
			}
		}
	}
}

// unknown says what is wrong with a command line, by asking the command for
// help: that reads the settings, but runs nothing.
func unknown(t *testing.T, program string, args []string) string {
	t.Helper()
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "…" })
	args = append(args, "--help")
	if i := slices.Index(args, "--"); i >= 0 {
		args = append(args[:i:i], "--help")
	}
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		return string(out)
	}
	_, usage, _ := strings.Cut(string(out), "Usage:\n")
	usage, _, _ = strings.Cut(usage, "\n\n")
	lines := strings.Split(strings.TrimSpace(usage), "\n")
	usage = lines[len(lines)-1]
	if !strings.HasSuffix(usage, "[command]") {
		return ""
	}
	// A group of commands, such as "flagline flag": nothing may follow it.
	depth := len(strings.Fields(usage)) - 2
	for _, a := range args[depth:] {
		if !strings.HasPrefix(a, "-") {
			return "there is no command " + a
		}
	}
	return ""
}

func makeTargets(t *testing.T) (targets []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\.PHONY: (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// commands returns the command lines of a script, without here documents.
func commands(script string) (all []string) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}

// split splits the first command of a line into words, as far as these pages
// need it: quotes, and an end at what the shell does with output.
func split(line string) (words []string) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			end()
		case strings.ContainsRune("|>&;#", r):
			end()
			return words
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return words
}
