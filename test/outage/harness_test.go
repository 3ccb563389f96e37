//go:build unix

package outage_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/internal/natstest"
	"github.com/flagline/flagline/provider"
)

const (
	// patience is how long a test waits for what has to happen.
	patience = 60 * time.Second

	// deadline is that of the providers here, and slack what a busy machine may
	// add to it.
	deadline = 5 * time.Second
	slack    = 10 * time.Second
)

// program is the sidecar that TestMain builds.
var program string

// TestMain builds the sidecar, so that one can be killed, unless the test program
// was started to be a NATS server.
func TestMain(m *testing.M) {
	if os.Getenv("FLAGLINE_TEST_NATS_NODE") != "" {
		natstest.Main(m)
	}
	dir, err := os.MkdirTemp("", "flagline-outage-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "flagline-sidecar")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", program, "../../cmd/flagline-sidecar")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	// These tests wait for each other's processors hardly ever, and for time to pass
	// nearly always.
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// An app is an application with a provider of its own, whose events are noted on
// their way to the SDK.
type app struct {
	*provider.Provider
	client *openfeature.Client
	err    error // what setting the provider came to

	passed chan openfeature.Event
	mu     sync.Mutex
	told   []openfeature.Event
}

// EventChannel is where the SDK hears of the events.
func (a *app) EventChannel() <-chan openfeature.Event { return a.passed }

// run sets a provider with these options, and those that make a test quick before
// them, until the test ends.
func run(t testing.TB, options ...provider.Option) *app {
	t.Helper()
	a := &app{Provider: newProvider(t, options...), passed: make(chan openfeature.Event)}
	api := isolated.NewAPI()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var relay sync.WaitGroup
	relay.Go(func() { a.relay(ctx) })
	t.Cleanup(func() {
		if err := api.Shutdown(ctx); err != nil {
			t.Errorf("shut down: %v", err)
		}
		cancel()
		relay.Wait()
	})
	a.err = api.SetProviderAndWait(t.Context(), a)
	a.client = api.NewClient()
	return a
}

func newProvider(t testing.TB, options ...provider.Option) *provider.Provider {
	t.Helper()
	quick := []provider.Option{
		provider.WithoutEnvironment(), provider.WithDeadline(deadline),
		provider.WithRetryBackoff(20*time.Millisecond, 200*time.Millisecond), provider.WithPollInterval(20 * time.Millisecond),
	}
	p, err := provider.New(append(quick, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Shutdown)
	return p
}

func (a *app) relay(ctx context.Context) {
	for {
		select {
		case e := <-a.Provider.EventChannel():
			a.mu.Lock()
			a.told = append(a.told, e)
			a.mu.Unlock()
			select {
			case a.passed <- e:
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// states are those that were told, and, if all is set, CHANGED for each change.
func (a *app) states(all bool) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, e := range a.told {
		name := strings.TrimPrefix(string(e.EventType), "PROVIDER_")
		if e.EventType == openfeature.ProviderConfigChange {
			if name = "CHANGED"; !all {
				continue
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// await waits until the SDK has heard that the provider is in state.
func (a *app) await(t testing.TB, state openfeature.State) {
	t.Helper()
	eventually(t, fmt.Sprintf("state %s", state), func() string {
		if now := a.client.State(); now != state {
			return fmt.Sprintf("it is %s after %s", now, a.states(true))
		}
		return ""
	})
}

// number asks for the flag that the origins here count up, and -1 is no answer.
func (a *app) number(ctx context.Context) int64 {
	return a.client.Int(ctx, "number", -1, openfeature.EvaluationContext{})
}

// awaitNumber waits until the flag is n.
func (a *app) awaitNumber(t testing.TB, n int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("number %d", n), func() string {
		if now := a.number(t.Context()); now != n {
			return fmt.Sprintf("it is %d, %s after %s", now, a.client.State(), a.states(true))
		}
		return ""
	})
}

// eventually asks until nothing is wrong.
func eventually(t testing.TB, what string, wrong func() string) {
	t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	over := time.After(patience)
	for {
		problem := wrong()
		if problem == "" {
			return
		}
		select {
		case <-look.C:
		case <-over:
			t.Fatalf("waited in vain for %s: %s", what, problem)
		}
	}
}

// within runs f, which must not hang.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s hangs", what)
	}
}

// pause waits, because a test is about what happens in time.
func pause(d time.Duration) { <-time.After(d) }

// freeAddress is one at which nobody listened a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitEvents waits until the newest events are these.
func (a *app) awaitEvents(t testing.TB, newest string) {
	t.Helper()
	eventually(t, "events "+newest, func() string {
		if told := a.states(true); !strings.HasSuffix(" "+told, " "+newest) {
			return fmt.Sprintf("they are %s, and it is %s", told, a.client.State())
		}
		return ""
	})
}

// flagFile writes a file that holds the number n.
func flagFile(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.json")
	write(t, path, document(n))
	return path
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
