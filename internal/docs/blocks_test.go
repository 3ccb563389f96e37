package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/lint"
)

// A whole file has to compile, an excerpt has to stand in an example that runs
// or is built.
func TestGoBlocksCompile(t *testing.T) {
	examples := exampleCode(t)
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			switch {
			case !b.is("go"):
			case strings.HasPrefix(b.text, "package "):
				if out, err := goTool(t, b.text, "build", "-o", os.DevNull); err != nil {
					t.Errorf("%s: %v\n%s", b.at, err, out)
				}
			case !strings.Contains(examples, lines(b.text)):
				t.Errorf("%s: these lines stand in no example (examples/**/*.go, example_test.go)", b.at)
			}
		}
	}
}

// goTool runs the go tool on a program that exists only for it.
func goTool(t *testing.T, program string, args ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	module, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(module, "examples", "block", "main.go")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{place: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{file: []byte(program), overlay: replace} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append(args[:1:1], append([]string{"-overlay", overlay}, append(args[1:], "./examples/block")...)...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

// exampleCode is the text of all examples, without indentation.
func exampleCode(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && d.Name()[0] == '.' {
			return fs.SkipDir
		}
		example := strings.HasPrefix(path, filepath.Join(root, "examples")) && filepath.Ext(path) == ".go"
		if !example && d.Name() != "example_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		all.WriteString(lines(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// lines is text without indentation.
func lines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		fmt.Fprintln(&b, strings.TrimSpace(line))
	}
	return b.String()
}

func TestFlagBlocksCompileAndHaveNoMistakes(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !b.is("json", "flags") {
				continue
			}
			if _, err := evaluator.Compile([]byte(b.text)); err != nil {
				t.Errorf("%s: %v", b.at, err)
			}
			for _, f := range lint.Document([]byte(b.text)) {
				t.Errorf("%s: %s: %s", b.at, f.Pointer, f.Message)
			}
		}
	}
}
