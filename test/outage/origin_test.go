//go:build unix

package outage_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source/natskv"
)

// An origin is where flags come from. It begins with the number 1.
type origin struct {
	// options make a provider follow the origin.
	options func(t testing.TB) []provider.Option

	// set makes n the number, also of an origin that is away: then as of its
	// return.
	set func(t testing.TB, n int)

	kill, restart func(t testing.TB)
	stop, resume  func(t testing.TB) // nil if it cannot be paused
}

// A mode is a way in which flags come to a provider.
type mode struct {
	name  string
	local bool // evaluations need nobody
	open  func(t testing.TB) *origin
}

func modes() []mode {
	return []mode{
		{"sidecar", false, func(t testing.TB) *origin {
			return fromSidecar(t, func(s *process) provider.Option { return provider.WithSidecar(s.evaluation) })
		}},
		{"sidecar over a socket", false, func(t testing.TB) *origin {
			path := socket(t)
			return fromSidecar(t, func(*process) provider.Option { return provider.WithSidecar("unix:" + path) }, "--socket-path", path)
		}},
		{"sync stream", true, func(t testing.TB) *origin {
			return fromSidecar(t, func(s *process) provider.Option { return provider.WithSyncStream(s.sync) })
		}},
		{"file", true, fromFile},
		{"NATS", true, fromNATS},
	}
}

// inEachMode runs test for each mode, all at the same time.
func inEachMode(t *testing.T, test func(t *testing.T, m mode, o *origin)) {
	t.Helper()
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			test(t, m, m.open(t))
		})
	}
}

// document has three flags: the number, ten times as much for gold, and one that
// leaves it to the caller.
func document(n int) string {
	return `{"flags": {"number": ` + number(n) + `, "mine": ` + mine(n) + `,
		"without-default": {"state": "ENABLED", "variants": {"n": 1}}}}`
}

func number(n int) string {
	return fmt.Sprintf(`{"state": "ENABLED", "variants": {"n": %d}, "defaultVariant": "n"}`, n)
}

func mine(n int) string {
	return fmt.Sprintf(`{"state": "ENABLED", "variants": {"gold": %d, "other": %d}, "defaultVariant": "other",
		"targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "gold", "other"]}}`, 10*n, n)
}

func gold() openfeature.EvaluationContext {
	return openfeature.NewEvaluationContext("ada", map[string]any{"tier": "gold"})
}

// write replaces a file in one go, as whoever cares for readers does.
func write(t testing.TB, path, text string) {
	t.Helper()
	beside := path + ".new"
	if err := os.WriteFile(beside, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, path); err != nil {
		t.Fatal(err)
	}
}

// fromSidecar starts a sidecar over a file.
func fromSidecar(t testing.TB, follow func(*process) provider.Option, args ...string) *origin {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, document(1))
	s := newProcess(t, append(args, "--uri", "file:"+path)...)
	s.start(t)
	return &origin{
		options: func(testing.TB) []provider.Option { return []provider.Option{follow(s)} },
		set:     func(t testing.TB, n int) { write(t, path, document(n)) },
		kill:    s.kill,
		restart: s.start,
		stop:    func(t testing.TB) { s.signal(t, syscall.SIGSTOP) },
		resume:  func(t testing.TB) { s.signal(t, syscall.SIGCONT) },
	}
}

func fromFile(t testing.TB) *origin {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, document(1))
	now, away := 1, false
	return &origin{
		options: func(testing.TB) []provider.Option { return []provider.Option{provider.WithFile(path)} },
		set: func(t testing.TB, n int) {
			if now = n; !away {
				write(t, path, document(n))
			}
		},
		kill: func(t testing.TB) {
			if away = true; os.Remove(path) != nil {
				t.Error("the file was not there")
			}
		},
		restart: func(t testing.TB) {
			away = false
			write(t, path, document(now))
		},
	}
}

// fromNATS starts a NATS server with an environment.
func fromNATS(t testing.TB) *origin {
	c := natstest.StartCluster(t, 1)
	node := c.Nodes[0]
	l, err := ledger.Open(t.Context(), c.Connect(t, c.URLs(), natstest.ControlPlane), ledger.Config{Environment: natstest.Environment, Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	commit := func(t testing.TB, n int) {
		eventually(t, "a commit", func() string {
			ctx, cancel := context.WithTimeout(t.Context(), slack)
			defer cancel()
			_, err := l.Commit(ctx, admin.Draft{Author: "test", Plan: func(admin.State) ([]admin.Edit, error) {
				return []admin.Edit{{Key: "number", Body: []byte(number(n))}, {Key: "mine", Body: []byte(mine(n))}}, nil
			}})
			if err != nil {
				return err.Error()
			}
			return ""
		})
	}
	commit(t, 1)
	due, away := 0, false
	back := func(t testing.TB) {
		if away = false; due > 0 {
			commit(t, due)
		}
		due = 0
	}
	return &origin{
		options: func(t testing.TB) []provider.Option {
			src, err := natskv.New(natskv.Config{
				Servers: c.URLs(), Environment: natstest.Environment, Credentials: c.Credential(natstest.Checkout), Instance: "checkout",
			})
			if err != nil {
				t.Fatal(err)
			}
			return []provider.Option{provider.WithSource(src)}
		},
		set: func(t testing.TB, n int) {
			if away {
				due = n
				return
			}
			commit(t, n)
		},
		kill:    func(testing.TB) { away = true; node.Kill() },
		restart: func(t testing.TB) { node.Start(t); back(t) },
		stop:    func(t testing.TB) { away = true; node.Signal(t, syscall.SIGSTOP) },
		resume:  func(t testing.TB) { node.Signal(t, syscall.SIGCONT); back(t) },
	}
}

// socket is a path for one: short, because systems want it so.
func socket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "flags") //nolint:usetesting // its folders have long names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// port is that of an address.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// hasty gives a lost origin little time, patient a lot.
func hasty() provider.Option   { return provider.WithGracePeriod(100 * time.Millisecond) }
func patient() provider.Option { return provider.WithGracePeriod(time.Hour) }
