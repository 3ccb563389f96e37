package flagtest

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
)

// A TB is what this package needs of a [testing.T], [testing.B] or
// [testing.F], so that it does not link package testing.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Setenv(key, value string)
	Fatalf(format string, args ...any)
}

// Flags are the flags of one test. All methods may be called at once from any
// number of goroutines; those that say that they fail the test, only from the
// goroutine of the test, because that is what its FailNow asks for.
type Flags struct {
	t      TB
	source *memory
	api    *openfeature.EvaluationAPI
	double *double

	mu      sync.Mutex
	failing map[string]openfeature.ErrorCode
	asked   map[string][]Question
	tracked map[string][]Tracked
}

// forever is how long flags that nobody confirms stay fresh: longer than the
// clock of a test, which package synctest may turn by years.
const forever = time.Duration(math.MaxInt64)

// New returns flags for the test t, none at first. They end with the test.
func New(t TB) *Flags {
	t.Helper()
	f := &Flags{
		t:       t,
		source:  newMemory(),
		api:     isolated.NewAPI(),
		failing: make(map[string]openfeature.ErrorCode),
		asked:   make(map[string][]Question),
		tracked: make(map[string][]Tracked),
	}
	p, err := provider.New(
		provider.WithoutEnvironment(), // a test is the same on every machine
		provider.WithSource(f.source),
		provider.WithStaleAfter(forever),
		provider.WithDeadline(time.Minute), // it takes no time, but the machine may be busy
	)
	if err != nil {
		t.Fatalf("make the provider of the test: %v", err)
	}
	f.double = &double{Provider: p, flags: f}
	t.Cleanup(f.end)
	if err := f.api.SetProviderAndWait(t.Context(), f.double); err != nil {
		t.Fatalf("start the provider of the test: %v", err)
	}
	return f
}

// end stops all that New has started. The context of the test is over by then.
func (f *Flags) end() {
	f.t.Helper()
	if err := f.api.Shutdown(context.WithoutCancel(f.t.Context())); err != nil {
		f.t.Fatalf("stop the provider of the test: %v", err)
	}
}

// Client returns a new client whose questions these flags answer, whatever
// context they are asked with.
func (f *Flags) Client() *openfeature.Client { return f.api.NewClient() }

// API returns the OpenFeature API that the flags are set for, for code that
// makes its own clients, and to add hooks and handlers. It is shut down at the
// end of the test.
func (f *Flags) API() *openfeature.EvaluationAPI { return f.api }

// Provider returns the provider behind the flags, for code that takes handles
// from it. What it is asked directly, [Flags.Fail] does not make fail and
// [Flags.Asked] does not know.
func (f *Flags) Provider() *provider.Provider { return f.double.Provider }
