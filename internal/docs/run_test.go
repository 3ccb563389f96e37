package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a page marks with "run" is executed, from its first block to its last,
// against `flagline dev` with an environment of its own. The block behind it,
// if it is text, is what it must print: "…" stands for anything, on a line of
// its own for any lines, and the width of columns does not matter.
func TestPagesDoWhatTheySay(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed, which the pages use")
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if len(b.words) > 1 && b.words[1] == "run" {
				t.Run(p.path, func(t *testing.T) { execute(t, p) })
				break
			}
		}
	}
}

func execute(t *testing.T, p page) {
	w := startWorkbench(t)
	for i, b := range p.blocks {
		var out []byte
		switch {
		case b.is("sh", "run"):
			out = w.script(t, b)
		case b.is("go", "run"):
			var err error
			if out, err = goTool(t, w.here(b.text), "run"); err != nil {
				t.Fatalf("%s: %v\n%s", b.at, err, out)
			}
		case len(b.words) > 1 && strings.Contains(b.words[len(b.words)-1], "."):
			name := filepath.Join(w.dir, b.words[len(b.words)-1])
			if err := os.WriteFile(name, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		default:
			continue
		}
		if i+1 < len(p.blocks) && p.blocks[i+1].is("text") {
			if want := p.blocks[i+1]; !matches(string(out), want.text) {
				t.Fatalf("%s does not print what %s says, but\n%s", b.at, want.at, out)
			}
		}
	}
}

// matches says whether out is what pattern promises.
func matches(out, pattern string) bool {
	var expr strings.Builder
	expr.WriteString(`^\s*`)
	for line := range strings.Lines(pattern) {
		words := strings.Fields(line)
		if len(words) == 1 && words[0] == "…" {
			expr.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		for i, word := range words {
			if i > 0 {
				expr.WriteString(`[ ]+`)
			}
			expr.WriteString(strings.ReplaceAll(regexp.QuoteMeta(word), "…", `[^\n]*`))
		}
		expr.WriteString(`[ ]*\n\s*`)
	}
	expr.WriteString(`$`)
	return regexp.MustCompile(expr.String()).MatchString(out)
}

// A workbench is `flagline dev` on free ports, and a folder to type in.
type workbench struct {
	dir  string
	env  []string
	here func(text string) string // text with the addresses that it really has
}

func startWorkbench(t *testing.T) *workbench {
	t.Helper()
	bin, dir := binaries(t), t.TempDir()
	if err := os.Symlink(bin, filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	w := &workbench{dir: dir, env: append(os.Environ(),
		"HOME="+dir, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"FLAGLINE_OUTPUT=table", "FLAGLINE_AUTHOR=ada@laptop")}

	ready := filepath.Join(dir, "ready.json")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, "flagline"), "dev",
		"--data-dir", filepath.Join(dir, "data"), "--ready-file", ready,
		"--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
		"--port", "0", "--management-port", "0", "--sync-port", "0", "--ofrep-port", "0")
	var log bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, w.env, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	t.Cleanup(func() {
		if stopped {
			return
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("flagline dev ended with: %v\n%s", err, log.Bytes())
		}
	})

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		data, err := os.ReadFile(ready)
		if err == nil {
			w.know(t, data)
			return w
		}
		select {
		case err := <-ended:
			stopped = true
			t.Fatalf("flagline dev ended with: %v\n%s", err, log.Bytes())
		case <-deadline:
			t.Fatal("flagline dev is not ready after a minute")
		case <-tick.C:
		}
	}
}

// know takes over where everything listens.
func (w *workbench) know(t *testing.T, readyFile []byte) {
	t.Helper()
	var book struct{ API, NATS, Evaluation, Management, Sync, OFREP string }
	if err := json.Unmarshal(readyFile, &book); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "FLAGLINE_SERVER="+book.API)
	r := strings.NewReplacer(
		"http://127.0.0.1:8080", book.API, "nats://127.0.0.1:4222", book.NATS,
		"localhost:8013", book.Evaluation, "127.0.0.1:8013", book.Evaluation,
		"127.0.0.1:8014", book.Management, "127.0.0.1:8015", book.Sync, "127.0.0.1:8016", book.OFREP,
	)
	w.here = r.Replace
}

// script runs a block with the shell.
func (w *workbench) script(t *testing.T, b block) []byte {
	t.Helper()
	want := 0
	for _, word := range b.words {
		if code, ok := strings.CutPrefix(word, "exit="); ok {
			want, _ = strconv.Atoi(code)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", w.here(b.text))
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("%s: %v", b.at, err)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("%s: exit code %d, want %d\n%s", b.at, code, want, out)
	}
	return out
}
