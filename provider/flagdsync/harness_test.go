package flagdsync_test

import (
	"context"
	"testing"
	"time"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	flagd "github.com/open-feature/flagd/core/pkg/sync"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// A script is a source that does what the test says, step by step.
type script chan func(source.Sink) error

func (s script) Name() string { return "script" }

func (s script) Watch(ctx context.Context, sink source.Sink) error {
	for {
		select {
		case step := <-s:
			if err := step(sink); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// apply has the source deliver records, and returns what of them is rejected
// once they are taken.
func (s script) apply(t *testing.T, replace bool, records ...source.Record) []source.Rejection {
	t.Helper()
	taken := make(chan []source.Rejection, 1)
	select {
	case s <- func(sink source.Sink) error {
		taken <- sink.Apply(source.Update{Replace: replace, Records: records})
		return nil
	}:
		return <-taken
	case <-time.After(patience):
		t.Fatal("nobody watches the source, or it is held up")
	}
	return nil
}

// put has the source deliver one flag, its default being variant.
func (s script) put(t *testing.T, key, variant string) {
	t.Helper()
	s.apply(t, false, source.Record{Key: key, Body: []byte(colors(variant))})
}

func colors(variant string) string {
	return `{"state":"ENABLED","variants":{"red":"red","blue":"blue"},"defaultVariant":"` + variant + `"}`
}

// run runs s until the test ends.
func run(t *testing.T, s *flagdsync.Sync, updates chan flagd.DataSync) {
	t.Helper()
	if err := s.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Sync(ctx, updates) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Sync returned %v", err)
		}
	})
}

// An engine is flagd's own, fed by a [flagdsync.Sync].
type engine struct {
	*evaluator.JSON

	updates chan flagd.DataSync
}

// feed runs s into an engine that knows it by its URI, and by no other.
func feed(t *testing.T, s *flagdsync.Sync) engine {
	t.Helper()
	log := logger.NewLogger(nil, false)
	flags, err := store.NewStore(log, []string{flagdsync.DefaultURI})
	if err != nil {
		t.Fatal(err)
	}
	e := engine{evaluator.NewJSON(log, flags), make(chan flagd.DataSync, 1)}
	run(t, s, e.updates)
	return e
}

// color takes updates until the flag answers want.
func (e engine) color(t *testing.T, flag, want string) (metadata map[string]any) {
	t.Helper()
	for deadline := time.After(patience); ; {
		got, _, _, metadata, err := e.ResolveStringValue(t.Context(), "", flag, map[string]any{"team": "blue"})
		if err == nil && got == want || err != nil && want == err.Error() {
			return metadata
		}
		select {
		case u := <-e.updates:
			if err := e.SetState(u); err != nil {
				t.Fatalf("flagd refuses %s: %v", u.FlagData, err)
			}
		case <-deadline:
			t.Fatalf("%s is %q (%v), want %s", flag, got, err, want)
		}
	}
}
