package flagd_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/sync"
	corefile "github.com/open-feature/flagd/core/pkg/sync/file"
	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/provider/flagd"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/sourcetest"
)

// A memory is where custom syncs of a test get their flags.
type memory struct {
	name string

	mu      stdsync.Mutex
	data    *sync.DataSync // nil is nothing yet
	broken  bool
	ends    bool // every Sync ends well after its first flags
	changed chan struct{}
	calls   []string
}

func newMemory(name string) *memory { return &memory{name: name, changed: make(chan struct{})} }

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) send(text string) { m.set(func() { m.data = &sync.DataSync{FlagData: text} }) }

func (m *memory) called() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls)
}

func (m *memory) note(call string) (broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, call)
	return m.broken
}

// A memorySync is a custom sync as users of flagd's provider write it.
type memorySync struct{ *memory }

var errBroken = errors.New("out of reach")

func (m memorySync) Init(context.Context) error {
	if m.note("init") {
		return errBroken
	}
	return nil
}

func (m memorySync) IsReady() bool                                      { return false } // nobody asks
func (m memorySync) ReSync(context.Context, chan<- sync.DataSync) error { return nil }
func (m memorySync) Shutdown() error                                    { m.note("shutdown"); return nil }

func (m memorySync) Sync(ctx context.Context, out chan<- sync.DataSync) error {
	m.note("sync")
	for {
		m.mu.Lock()
		data, broken, ends, changed := m.data, m.broken, m.ends, m.changed
		m.mu.Unlock()
		if broken {
			return errBroken
		}
		if data != nil {
			out <- *data // without a look at ctx, as some do it
			if ends {
				return nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) Source(*testing.T) source.Source {
	return flagd.NewCustomSync(memorySync{m}, m.name, 5*time.Millisecond, 50*time.Millisecond)
}
func (m *memory) Write(_ *testing.T, doc flagdoc.Document) { m.send(string(flagdoc.Format(doc))) }
func (m *memory) Break(*testing.T)                         { m.set(func() { m.broken = true }) }
func (m *memory) Mend(*testing.T)                          { m.set(func() { m.broken = false }) }

func TestCustomSyncKeepsTheContractOfSources(t *testing.T) {
	t.Parallel() // it waits for a confirmation
	sourcetest.Run(t, sourcetest.Harness{Open: func(t *testing.T) sourcetest.Origin { return newMemory(t.TempDir()) }})
}

func TestFlagdsOwnSyncCanBeTheCustomOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, flags("red"))
	custom := &corefile.Sync{URI: path, Logger: logger.NewLogger(nil, false), Mux: new(stdsync.RWMutex)}
	client := answers(t, "red", flagd.WithInProcessResolver(), flagd.WithCustomSyncProvider(custom))
	write(t, path, flags("blue"))
	awaitColor(t, client, "blue")
}

func TestCustomSyncIsFollowedAndShutDown(t *testing.T) {
	m := newMemory("memory://test")
	m.send(flags("red"))
	p := newProvider(t, flagd.WithInProcessResolver(), flagd.WithCustomSyncProviderAndUri(memorySync{m}, m.name),
		flagd.WithHost("nowhere.invalid"))
	client, err := bind(t, p)
	if err != nil {
		t.Fatal(err)
	}
	changed := new(journal)
	note := func(d openfeature.EventDetails) { changed.add(strings.Join(d.FlagChanges, ",")) }
	client.AddHandler(openfeature.ProviderConfigChange, &note)
	m.send(flags("blue"))
	awaitColor(t, client, "blue")
	eventually(t, "the change of color is told", func() bool { return slices.Contains(changed.all(), "color") })
	p.Shutdown()
	if got, want := m.called(), []string{"init", "sync", "shutdown"}; !slices.Equal(got, want) {
		t.Errorf("the custom sync was called for %q, want %q", got, want)
	}
}

func TestCustomSyncIsForTheInProcessResolver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, flags("blue"))
	m := newMemory("memory://test")
	m.send(flags("red"))
	answers(t, "blue", flagd.WithFileResolver(), flagd.WithOfflineFilePath(path), flagd.WithCustomSyncProvider(memorySync{m}))
	if got := m.called(); len(got) > 0 {
		t.Errorf("the custom sync was called for %q", got)
	}
}

// watch follows m until the test ends.
func watch(t *testing.T, m *memory) *sourcetest.Recorder {
	t.Helper()
	r := new(sourcetest.Recorder)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- m.Source(t).Watch(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch returned %v", err)
		}
	})
	return r
}

func TestSyncThatEndsWellHasSaidAllThereIs(t *testing.T) {
	m := newMemory("memory://test")
	m.ends = true
	m.send(flags("red"))
	r := watch(t, m)
	r.Await(t, "the flags to be confirmed", func(s sourcetest.State) bool { return len(s.Records) == 1 && s.Status.Connected })
	m.send(flags("blue"))
	m.set(func() { m.broken = true })
	if got := m.called(); slices.Contains(got[1:], "init") || len(got) > 2 {
		t.Errorf("a sync that ended well was called for %q", got)
	}
}

func TestFlagsThatAreNoDocumentTakeNoFlagAway(t *testing.T) {
	m := newMemory("memory://test")
	m.send(flags("red"))
	r := watch(t, m)
	r.Await(t, "the flags", func(s sourcetest.State) bool { return len(s.Records) == 1 && s.Status.Err == nil })
	m.send(`{"flags": `)
	s := r.Await(t, "the mistake to be reported", func(s sourcetest.State) bool { return s.Status.Err != nil })
	if len(s.Records) != 1 || !s.Status.Connected {
		t.Errorf("it is connected: %t, and has the flags %v, want the last good ones", s.Status.Connected, s.Records)
	}
}

func TestIncrementalUpdateReplacesTheSetsThatItHolds(t *testing.T) {
	document := func(set, flag string) string {
		return `{"metadata": {"flagSetId": "` + set + `"}, "flags": {"` + flag + `": {}}}`
	}
	m := newMemory("memory://test")
	m.send(document("a", "old"))
	r := watch(t, m)
	has := func(want ...sourcetest.ID) func(s sourcetest.State) bool {
		return func(s sourcetest.State) bool {
			flags := 0
			for id := range s.Records {
				if id.Key != "" {
					flags++
				}
			}
			for _, id := range want {
				if _, ok := s.Records[id]; !ok {
					return false
				}
			}
			return flags == len(want)
		}
	}
	old, other, fresh := sourcetest.ID{Set: "a", Key: "old"}, sourcetest.ID{Set: "b", Key: "other"}, sourcetest.ID{Set: "a", Key: "new"}
	r.Await(t, "the first set", has(old))
	for _, step := range []struct {
		text string
		want []sourcetest.ID
	}{
		{document("b", "other"), []sourcetest.ID{old, other}},
		{document("a", "new"), []sourcetest.ID{fresh, other}},
	} {
		m.set(func() { m.data = &sync.DataSync{FlagData: step.text, IncrementalUpdates: true} })
		r.Await(t, "an incremental update", has(step.want...))
	}
	m.send(document("b", "other"))
	r.Await(t, "an update of everything", has(other))
}

// A stubborn sync looks at no context: it ends once it was shut down, and once
// somebody has taken all that it still has to say.
type stubborn struct {
	memorySync

	end chan struct{}
}

func (s stubborn) Shutdown() error {
	close(s.end)
	return nil
}

func (s stubborn) Sync(_ context.Context, out chan<- sync.DataSync) error {
	out <- sync.DataSync{FlagData: flags("red")}
	<-s.end
	for range 3 {
		out <- sync.DataSync{FlagData: flags("blue")}
	}
	return nil
}

func TestSyncThatLooksAtNoContextIsNotWaitedForInVain(t *testing.T) {
	custom := stubborn{memorySync{newMemory("memory://stubborn")}, make(chan struct{})}
	p := newProvider(t, flagd.WithInProcessResolver(), flagd.WithCustomSyncProvider(custom))
	if _, err := bind(t, p); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := p.ShutdownWithContext(ctx); err != nil {
		t.Error(err)
	}
}
