//go:build unix

package outage_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
)

// A footprint is what a process holds. It is taken before garbage is collected,
// which closes files that nobody has closed.
type footprint struct{ goroutines, files int }

func takeFootprint() footprint {
	f := footprint{goroutines: runtime.NumGoroutine()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		f.files = len(entries) // 0 before and after where there is none
	}
	return f
}

// heap returns how many bytes are reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first has found to be finalised
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc) //nolint:gosec // far less
}

// A thousand providers that are set, asked and shut down leave no goroutine, no
// open file, and next to no memory. It is not parallel, so that it looks at its own
// alone.
func TestThousandProvidersLeaveNothing(t *testing.T) {
	const perProvider = 1 << 10 // bytes that each may leave
	for _, m := range modes() {
		t.Run(m.name, func(t *testing.T) {
			count := 1000
			if m.name == "NATS" || testing.Short() {
				count = 100
			}
			o := m.open(t)
			one := func() {
				p, err := provider.New(append(o.options(t), provider.WithoutEnvironment(), provider.WithDeadline(patience))...)
				if err != nil {
					t.Error(err)
					return
				}
				use(t, p)
			}
			together(20, one) // so that whatever is made once is made
			reachable, before := heap(), takeFootprint()
			together(count, one)
			eventually(t, "everything to end", func() string {
				after := takeFootprint()
				if after.goroutines > before.goroutines || after.files > before.files {
					return fmt.Sprintf("%d goroutines and %d files more", after.goroutines-before.goroutines, after.files-before.files)
				}
				return ""
			})
			left := (heap() - reachable) / int64(count)
			t.Logf("%d bytes are left of each", left)
			if left > perProvider {
				t.Errorf("each of %d providers leaves %d bytes, want at most %d", count, left, perProvider)
			}
		})
	}
}

// together calls one so often, eight at a time.
func together(count int, one func()) {
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := worker; n < count; n += 8 {
				one()
			}
		})
	}
	all.Wait()
}

// use does what an application does, in short. It is no place for Fatal.
func use(t *testing.T, p *provider.Provider) {
	t.Helper()
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Error(err)
	}
	client := api.NewClient()
	for _, flag := range []string{"number", "mine"} {
		if got := client.Int(t.Context(), flag, -1, openfeature.EvaluationContext{}); got != 1 {
			t.Errorf("%s = %d, want 1", flag, got)
		}
	}
	if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}
