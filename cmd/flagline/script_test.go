package main

import (
	"bytes"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/admintest"
	"github.com/flagline/flagline/admin/rest"
	"github.com/flagline/flagline/internal/wire"
)

var update = flag.Bool("update", false, "write what is printed into the golden files")

// A script in testdata is a transcript. It begins with what it shows, and with
// the files that it uses, each below "-- name --"; "-- script --" opens the
// transcript itself. "$ …" runs flagline, "@ …" reports as an instance, and
// what follows is what was printed: standard output as it is, standard error behind "! ", and an exit code other
// than 0 in brackets.
func TestScripts(t *testing.T) {
	dir, err := filepath.Abs("testdata") // each script changes the directory
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, transcript, ok := strings.Cut(string(source), "-- script --\n")
			if !ok {
				t.Fatalf("%s has no script", file)
			}
			got := newStage(t, head).play(transcript)
			if *update {
				if err := os.WriteFile(file, []byte(head+"-- script --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != transcript {
				t.Errorf("%s is not what is printed; see with -update what changed:\n%s", file, got)
			}
		})
	}
}

// A stage is a server, and a directory to run commands in.
type stage struct {
	t     *testing.T
	dir   string
	url   string
	fleet *admin.Fleet
	env   []string
}

func newStage(t *testing.T, head string) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), fleet: admin.NewFleet()}
	environments := map[string]rest.Environment{"dev": {Ledger: admintest.New("dev"), Fleet: s.fleet}}
	if strings.Contains(head, "two environments") {
		environments["prod"] = rest.Environment{Ledger: admintest.New("prod"), Fleet: admin.NewFleet()}
	}
	srv := httptest.NewServer(rest.Handler(rest.Config{Environments: environments, Token: []byte("secret"), Loopback: true}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	sections := regexp.MustCompile(`(?m)^-- (\S+) --\n`)
	names := sections.FindAllStringSubmatchIndex(head, -1)
	for i, at := range names {
		end := len(head)
		if i+1 < len(names) {
			end = names[i+1][0]
		}
		s.write(head[at[2]:at[3]], head[at[1]:end])
	}
	s.write("token", "secret\n")
	s.env = []string{
		"FLAGLINE_SERVER=" + s.url,
		"FLAGLINE_TOKEN_FILE=token",
		"FLAGLINE_AUTHOR=ann@example",
	}
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(s.dir, "config"))
	t.Chdir(s.dir)
	return s
}

func (s *stage) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// play runs the commands of a transcript and returns the transcript of that.
func (s *stage) play(transcript string) string {
	s.t.Helper()
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		switch {
		case strings.HasPrefix(line, "$ "):
			out.WriteString(line)
			out.WriteString(s.run(strings.TrimSpace(line[2:])))
		case strings.HasPrefix(line, "@ "):
			out.WriteString(line)
			s.report(strings.Fields(line[2:]))
		case strings.HasPrefix(line, "# "):
			out.WriteString(line)
		}
	}
	return out.String()
}

// report lets an instance say "instance state generation reason…".
func (s *stage) report(words []string) {
	s.t.Helper()
	r := wire.Report{Instance: words[0], Service: "shop", Version: "1.0", State: words[1]}
	if _, err := fmt.Sscan(words[2], &r.Generation); err != nil {
		s.t.Fatal(err)
	}
	r.Reason = strings.Join(words[3:], " ")
	s.fleet.Note(r, time.Now())
}

var (
	volatile = regexp.MustCompile(`\b\d+s\b|\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}[.\d]*Z?|"ageSeconds": [\d.e-]+|\b[0-9a-f]{64}\b`)
	redirect = regexp.MustCompile(`^(.*) < (\S+)$`)
)

func (s *stage) run(line string) string {
	s.t.Helper()
	env := slices.Clone(s.env)
	for strings.HasPrefix(line, "FLAGLINE_") { // settings for this command alone
		setting, rest, _ := strings.Cut(line, " ")
		env, line = append(env, setting), rest
	}
	var stdin, stdout, stderr bytes.Buffer
	if m := redirect.FindStringSubmatch(line); m != nil {
		data, err := os.ReadFile(m[2])
		if err != nil {
			s.t.Fatal(err)
		}
		stdin.Write(data)
		line = m[1]
	}
	a := &app{in: &stdin, out: &stdout, err: &stderr, env: lookup(env)}
	code := a.run(s.t.Context(), split(line))

	out := stdout.String()
	for line := range strings.Lines(stderr.String()) {
		out += "! " + line
	}
	if code != exitOK {
		out += fmt.Sprintf("[exit %d]\n", code)
	}
	out = strings.ReplaceAll(out, s.url, "URL")
	out = strings.ReplaceAll(out, strings.TrimPrefix(s.url, "http://"), "HOST")
	return volatile.ReplaceAllStringFunc(out, func(found string) string {
		switch {
		case len(found) == 64:
			return "DIGEST"
		case strings.HasPrefix(found, `"age`):
			return `"ageSeconds": AGE`
		case strings.HasSuffix(found, "s"):
			return "AGE"
		case found[10] == ' ': // in a column
			return "YYYY-MM-DD hh:mm:ss"
		}
		return "TIME"
	})
}

// lookup is os.LookupEnv for the environment env, in which the last one counts.
func lookup(env []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, setting := range slices.Backward(env) {
			if value, ok := strings.CutPrefix(setting, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

// split splits a command line at spaces outside single quotes.
func split(line string) []string {
	var args []string
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted, begun = !quoted, true
		case r != ' ' || quoted:
			word.WriteRune(r)
			begun = true
		case begun:
			args = append(args, word.String())
			word.Reset()
			begun = false
		}
	}
	return args
}
