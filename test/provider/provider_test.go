package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/test/compare/workload"
	"github.com/flagline/flagline/test/provider/churn"
)

// clientOf returns a client of p.
func clientOf(t *testing.T, p openfeature.FeatureProvider) *openfeature.Client {
	t.Helper()
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return api.NewClient()
}

// flagsThat are all flags, and others that change while changing says so.
func flagsThat(t *testing.T, changing func() bool) *churn.Source {
	t.Helper()
	all, err := document()
	if err != nil {
		t.Fatal(err)
	}
	s, err := churn.New(all, changesPerSecond, changing)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inProcess is our provider, which has the flags.
func inProcess(t *testing.T, changing func() bool) *provider.Provider {
	t.Helper()
	p, err := newOurs(provider.WithSource(flagsThat(t, changing)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// besideSidecar is our provider, which asks a sidecar that has the flags.
func besideSidecar(t *testing.T, changing func() bool) *provider.Provider {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources:    []source.Source{flagsThat(t, changing)},
			Evaluation: sidecar.Door{Address: "127.0.0.1:0"},
			Ready:      func(a sidecar.Addresses) { ready <- a },
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})
	select {
	case a := <-ready:
		p, err := newOurs(provider.WithSidecar(a.Evaluation))
		if err != nil {
			t.Fatal(err)
		}
		return p
	case err := <-ended:
		ended <- nil // for the clean-up
		t.Fatalf("start the sidecar: %v", err)
		return nil
	}
}

// allocated is how often one evaluation allocates.
func allocated(t *testing.T, client *openfeature.Client, flag workload.Flag, attributes int) float64 {
	t.Helper()
	run := throughClient("", client).loop(t.Context(), flag, always(attributes))
	const warm, runs = 100, 1000
	if err := run(warm); err != nil {
		t.Fatal(err)
	}
	return testing.AllocsPerRun(runs, func() {
		if err := run(1); err != nil {
			t.Error(err)
		}
	})
}

func TestEvaluationsAllocateNothingBeyondTheSDK(t *testing.T) {
	if watchingRaces {
		t.Skip("pools are not what they are otherwise")
	}
	floor := clientOf(t, constantProvider{})
	for name, p := range map[string]*provider.Provider{
		"in-process": inProcess(t, never), "known answer": besideSidecar(t, never),
	} {
		client := clientOf(t, p)
		for _, flag := range []workload.Flag{static, endswith} {
			for _, n := range fewAndMany {
				want := allocated(t, floor, flag, n)
				if got := allocated(t, client, flag, n); got > want {
					t.Errorf("%s, %s, %d attributes: %v allocations, want the %v of the SDK", name, flag.Key, n, got, want)
				}
			}
		}
	}
}

func TestHandlesAllocateNothing(t *testing.T) {
	p := inProcess(t, never)
	clientOf(t, p)
	for _, flag := range []workload.Flag{static, endswith} {
		run := throughHandle(t.Context(), "", p).loop(t.Context(), flag, always(workload.Many))
		got := testing.AllocsPerRun(1000, func() {
			if err := run(1); err != nil {
				t.Error(err)
			}
		})
		if got > 0 {
			t.Errorf("%s: %v allocations, want none", flag.Key, got)
		}
	}
}

func TestWhoEvaluatesWaitsForNoLockOfOurs(t *testing.T) {
	yes := func() bool { return true }
	p := inProcess(t, yes)
	for name, w := range map[string]*way{
		"in-process":   throughClient("", clientOf(t, p)),
		"handle":       throughHandle(t.Context(), "", p),
		"known answer": throughClient("", clientOf(t, besideSidecar(t, yes))),
	} {
		const long = 300 * time.Millisecond
		seen, err := contention(t.Context(), w, long)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if seen.Ours > 0 {
			t.Errorf("%s: somebody waited %d times for %s", name, seen.Ours, seen.Where)
		}
	}
}

// A mutex in place of a provider, so that the test above is known to see them.
func TestAContendedLockIsSeen(t *testing.T) {
	var mu sync.Mutex
	held := 0
	w := &way{loop: func(context.Context, workload.Flag, *audience) func(int) error {
		return func(n int) error {
			for range n {
				mu.Lock()
				held++
				mu.Unlock()
			}
			return nil
		}
	}}
	for range 100 {
		const long = 50 * time.Millisecond
		seen, err := contention(t.Context(), w, long)
		if err != nil {
			t.Fatal(err)
		}
		if seen.Others > 0 {
			return
		}
	}
	t.Error("eight goroutines share a lock, and the profile has seen no wait")
}

func TestWaitsForTheProductAreToldFromOthers(t *testing.T) {
	const unlock, product = "sync.(*Mutex).Unlock", "github.com/flagline/flagline/"
	for _, row := range []struct {
		names []string
		want  bool
	}{
		{[]string{unlock, product + "internal/store.(*layer).Apply", "main.main"}, true},
		{[]string{unlock, "runtime.deferreturn", product + "internal/store.(*layer).Apply"}, true},
		{[]string{unlock, "example.org/map.Load", product + "provider.(*Provider).resolve", "main.main"}, true},
		{[]string{unlock, "example.org/map.Load", product + "provider.(*Handle[...]).Value", "main.main"}, true},
		{[]string{unlock, "google.golang.org/grpc.recv", product + "provider/internal/remote.(*Client).events"}, false},
		{[]string{unlock, product + "sidecar/internal/manage.(*memo).add"}, false},
		{[]string{unlock, product + "test/provider.TestSomething"}, false},
		{[]string{unlock, "github.com/open-feature/go-sdk/openfeature.(*Client).evaluate"}, false},
	} {
		if got := ofProduct(row.names); got != row.want {
			t.Errorf("%q: %v, want %v", row.names, got, row.want)
		}
	}
}

func TestFlagsChangeAsOftenAsTheyAreTold(t *testing.T) {
	var on atomic.Bool
	flags := flagsThat(t, on.Load)
	p, err := newOurs(provider.WithSource(flags))
	if err != nil {
		t.Fatal(err)
	}
	s := &stir{change: func(changes bool) error { on.Store(changes); return nil }}
	s.listen(clientOf(t, p))
	if err := s.set(true); err != nil {
		t.Fatal(err)
	}
	if err := s.set(false); err != nil {
		t.Fatal(err)
	}
	if heard, made := s.heard.Load(), flags.Changes(); heard != made {
		t.Errorf("%d flags changed, the provider has named %d", made, heard)
	}
}

func TestAnswersThatDifferAreFound(t *testing.T) {
	good, bad := byHand(), direct(ours, func(map[string]any) bool { return false }, func(map[string]any) string { return wantEndswith })
	for _, k := range cases() {
		k.ways = []string{ours}
		all := map[string]*way{goByHand: good, ours: good.as(ours)}
		if err := k.agree(t.Context(), all); err != nil {
			t.Errorf("%s: %v", k.name, err)
		}
		all[ours] = bad
		if err := k.agree(t.Context(), all); err == nil {
			t.Errorf("%s: a wrong answer is not found", k.name)
		}
		if err := bad.loop(t.Context(), k.flag, always(k.attributes))(1); (err == nil) != (k.flag.Key == endswith.Key) {
			t.Errorf("%s: the loop returns %v", k.name, err)
		}
	}
}

func TestThePageShowsTheFiguresThatAreKept(t *testing.T) {
	const root = "../.."
	f, err := readFigures(filepath.Join(root, "bench", "provider.json"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "provider-performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.page(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(page) {
		t.Error("docs/provider-performance.md is not what bench/provider.json says; run go run . -render in test/provider")
	}
}

func TestAGoalIsJudgedByWhatItsFigureReaches(t *testing.T) {
	// At most 1.15 and 1.05 times a constant, which takes 1,000.
	for took, want := range map[float64]state{1151: missed, 1150: within, 1051: within, 1050: met} {
		f := &figures{Rows: []row{
			{Case: endswithCase, Attributes: workload.Many, System: constant, Nanoseconds: 1000, Min: 1000, Max: 1000},
			{Case: endswithCase, Attributes: workload.Many, System: ours, Nanoseconds: took, Min: took, Max: took},
		}}
		var got []state
		for _, r := range f.results() {
			if r.Title == titled(endswithCase, workload.Many, ours, constant) {
				got = append(got, r.State)
			}
		}
		if !slices.Equal(got, []state{want}) {
			t.Errorf("%v of 1,000 is %v, want %s", took, got, want)
		}
	}
}

func TestFlagdCannotBeFurtherBehindThanTheSDKAllows(t *testing.T) {
	// Flagd takes three times a constant; who is as quick as that one has arrived.
	for took, want := range map[float64]state{1000: met, 1050: met, 1100: within, 1600: missed} {
		f := &figures{Rows: []row{
			{Case: staticCase, Attributes: workload.Few, System: constant, Nanoseconds: 1000, Min: 1000, Max: 1000},
			{Case: staticCase, Attributes: workload.Few, System: flagd, Nanoseconds: 3000, Min: 3000, Max: 3000},
			{Case: staticCase, Attributes: workload.Few, System: ours, Nanoseconds: took, Min: took, Max: took},
		}}
		for _, r := range f.results() {
			if r.Title == titled(staticCase, workload.Few, flagd, ours) && r.State != want {
				t.Errorf("%v of 1,000 is %s, want %s", took, r.State, want)
			}
		}
	}
}
