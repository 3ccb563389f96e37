package main_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/admin"
	"github.com/flagline/flagline/admin/ledger"
	"github.com/flagline/flagline/internal/natsd"
	"github.com/flagline/flagline/internal/natstest"
)

// An environment is flags on a NATS server that the test may stop.
type environment struct {
	server *natsd.Server
	ledger *ledger.Ledger
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	e := &environment{server: natstest.StartAt(t, t.TempDir(), "127.0.0.1:0")}
	l, err := ledger.Open(t.Context(), natstest.Publisher(t, e.server), ledger.Config{Environment: natstest.Environment})
	if err != nil {
		t.Fatal(err)
	}
	e.ledger = l
	return e
}

func (e *environment) uri() string { return e.server.URL() + "/" + natstest.Environment }

// paint publishes the flag "color" with that default variant, and returns the
// generation that this made.
func (e *environment) paint(t *testing.T, color string) (generation uint64) {
	t.Helper()
	body := `{"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"` + color + `"}`
	change, err := e.ledger.Commit(t.Context(), admin.Draft{
		Author: "test",
		Plan: func(admin.State) ([]admin.Edit, error) {
			return []admin.Edit{{Key: "color", Body: []byte(body)}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return change.Generation
}

func TestChangeOnNATSReachesTheSidecar(t *testing.T) {
	e := newEnvironment(t)
	e.paint(t, "red")
	p := launch(t, nil, "--uri", e.uri(), "--service", "shop")
	eventually(t, "color", func() string { return p.value(t, "color") }, "red")
	generation := e.paint(t, "blue")
	eventually(t, "color", func() string { return p.value(t, "color") }, "blue")

	_, body := request(t, http.MethodGet, "http://"+p.Management+"/status", "")
	for _, want := range []string{`"environment":"` + natstest.Environment + `"`, fmt.Sprintf(`"generation":%d`, generation), `"connected":true`} {
		if !strings.Contains(body, want) {
			t.Errorf("status lacks %s: %s", want, body)
		}
	}
}

func TestKilledSidecarAnswersFromItsSnapshotWithoutNATS(t *testing.T) {
	e := newEnvironment(t)
	e.paint(t, "blue")
	snapshots := t.TempDir()
	args := []string{"--uri", e.uri(), "--snapshot-dir", snapshots, "--startup-grace", "10ms"}
	p := launch(t, nil, args...)
	eventually(t, "color", func() string { return p.value(t, "color") }, "blue")
	eventually(t, "the snapshot", func() string { return kept(t, snapshots) }, "kept")

	e.server.Close()
	if got := p.value(t, "color"); got != "blue" {
		t.Errorf("without NATS, color is %s, want blue", got)
	}
	p.signal(t, os.Kill)
	p.end(t)
	p = launch(t, nil, args...)
	eventually(t, "readyz", func() string { return p.readiness(t) }, "200")
	if got := p.value(t, "color"); got != "blue" {
		t.Errorf("from the snapshot, color is %s, want blue", got)
	}
}

// kept says "kept" once a whole snapshot is on disk.
func kept(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".snapshot") }) {
		return "kept"
	}
	return "missing"
}
