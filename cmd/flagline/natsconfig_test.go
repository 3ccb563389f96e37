package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/flagline/flagline/internal/natsd"
)

// natsExamples are the configurations that the commands of examples/nats/README.md
// print, by the file that they are to go into.
func natsExamples(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(natsExampleDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		command, file, ok := strings.Cut(line, " > ")
		if args := strings.Fields(command); ok && slices.Equal(args[:min(2, len(args))], []string{"flagline", "nats"}) {
			code, out, errs := run(t, nil, args[1:]...)
			if code != exitOK {
				t.Fatalf("%s: exit code %d: %s", command, code, errs)
			}
			all[strings.TrimSpace(file)] = out
		}
	}
	return all
}

var natsExampleDir = filepath.Join("..", "..", "examples", "nats")

func TestNATSExamplesAreWhatTheirCommandsPrint(t *testing.T) {
	want := natsExamples(t)
	for file, text := range want {
		path := filepath.Join(natsExampleDir, file)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s is not what its command prints (%v); write it with -update", path, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(natsExampleDir, "*.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) || len(files) < 5 {
		t.Errorf("there are the files %v, and commands for %d", files, len(want))
	}
}

// Real servers take the examples as they stand, but for where they listen and
// keep their files. Whatever stores something syncs before it acknowledges.
func TestServersStartWithTheNATSExamples(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FLAGLINE_LEAF_SEED", string(seed))
	here := localizer(t)
	for file, text := range natsExamples(t) {
		s, err := natsd.Run(t.Context(), here(file, text), nil)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		t.Cleanup(s.Close)
		if stores := file != "leaf.conf"; s.SyncsAlways() != stores {
			t.Errorf("%s: the server syncs always: %v, want %v", file, s.SyncsAlways(), stores)
		}
	}
}

// localizer returns a function that moves a configuration to free ports of this
// machine, the same for the same name, and to a directory of the test.
func localizer(t *testing.T) func(file, text string) string {
	ports := make(map[string]string)
	address := func(name string) string {
		if ports[name] == "" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ports[name] = l.Addr().String()
		}
		return ports[name]
	}
	dir := t.TempDir()
	remote, local := regexp.MustCompile(`nats://([\w-]+):(\d+)`), regexp.MustCompile(`0\.0\.0\.0:(\d+)`)
	return func(file, text string) string {
		_, rest, _ := strings.Cut(text, `server_name: "`)
		self, _, _ := strings.Cut(rest, `"`)
		text = remote.ReplaceAllStringFunc(text, func(url string) string {
			m := remote.FindStringSubmatch(url)
			return "nats://" + address(m[1]+":"+m[2])
		})
		text = local.ReplaceAllStringFunc(text, func(listen string) string {
			return address(self + ":" + local.FindStringSubmatch(listen)[1])
		})
		return strings.ReplaceAll(text, `"/data"`, fmt.Sprintf("%q", filepath.ToSlash(filepath.Join(dir, file))))
	}
}

func TestNATSConfigurationRefusesWhatIsNotSafe(t *testing.T) {
	const key, other = "UCHZWTAZWMNJ5F2ZDF5IB6PGPNI6OLZ3HZUHFRX5S3ZJ3NJM7JND3VXT", "UB75JNTOTO3MO5EXEWWN523LYDPFHRTAG3IALR65RHS4NPIJWJGPJRTE"
	const secret = "hush"
	publisher := []string{"--environments", "prod", "--publisher", "cp=" + key}
	for want, args := range map[string][]string{
		"no environment":     {"--publisher", "cp=" + key},
		"no publisher":       {"--environments", "prod"},
		`environment "Prod"`: {"--environments", "Prod", "--publisher", "cp=" + key},
		"there twice":        {"--environments", "prod,prod", "--publisher", "cp=" + key},
		"of which":           {"--environments", "prod,dev", "--publisher", "cp=" + key, "--reader", "a=" + other},
		"not among":          append(publisher, "--reader", "dev/a="+other),
		"another user":       append(publisher, "--reader", "prod/a="+key),
		"public half":        append(publisher, "--reader", "prod/a="+secret),
		"NAME=CREDENTIAL":    append(publisher, "--reader", "prod/"+secret),
		`user "prod/a.b"`:    append(publisher, "--reader", "a.b="+other),
		"no readers behind":  append(publisher, "--leaf", "edge="+other),
		"name of its own":    append(publisher, "--cluster", "c", "--routes", "nats://a:6222"),
		"without routes":     append(publisher, "--cluster", "c", "--server-name", "n"),
		"do not belong":      append(publisher, "--cluster", "c", "--server-name", "n", "--routes", "nats://u:"+secret+"@a:6222"),
		"host:port":          append(publisher, "--listen", "here"),
		"one environment":    {"--environments", "prod,dev", "--hub", "nats://a:7422"},
		"holds it, as $NAME": {"--environments", "prod", "--hub", "nats://a:7422", "--reader", "a=" + key, "--hub-seed", secret},
		"takes no arguments": {"more"},
	} {
		code, out, errs := run(t, nil, append([]string{"nats", "config"}, args...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, strings.ReplaceAll(want, `"`, `\"`)) || strings.Contains(errs, secret) {
			t.Errorf("%v: exit code %d, output %q, want something about %q: %s", args, code, out, want, errs)
		}
	}
}

func TestNATSConfigurationNamesPasswordsButHoldsNone(t *testing.T) {
	code, out, errs := run(t, nil, "nats", "config", "--environments", "prod", "--publisher", "cp=$CP_PASSWORD", "--reader", "checkout=$CHECKOUT")
	if code != exitOK || !strings.Contains(out, "password: $CP_PASSWORD\n") || !strings.Contains(out, `user: "prod/checkout"`) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
