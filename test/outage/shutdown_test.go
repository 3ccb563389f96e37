//go:build unix

package outage_test

import (
	"context"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source/natskv"
)

// silent takes connections and says nothing on them, until the test ends.
func silent(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var taking sync.WaitGroup
	var taken []net.Conn
	taking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	})
	t.Cleanup(func() {
		l.Close()
		taking.Wait()
		for _, c := range taken {
			c.Close()
		}
	})
	return l.Addr().String()
}

// A provider is shut down while it waits for one that refuses, one that says
// nothing, and one at the end of a cable that was cut: at once, and with nothing
// left.
func TestShutdownWhileItInitialises(t *testing.T) {
	t.Parallel()
	s := newProcess(t, "--uri", "file:"+flagFile(t, 1))
	s.start(t)
	frozen := func(address string) string {
		wire := link.New(t, address)
		wire.Freeze()
		return wire.Address()
	}
	overNATS := func(address string) provider.Option {
		src, err := natskv.New(natskv.Config{Servers: "nats://" + address, Environment: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		return provider.WithSource(src)
	}
	endless := serveForeign(t, "", versions{two: true}, &foreign{stream: saysNothing})
	endless.set(-1)
	for name, follow := range map[string]provider.Option{
		"sidecar that refuses":         provider.WithSidecar(freeAddress(t)),
		"sidecar that is silent":       provider.WithSidecar(silent(t)),
		"sidecar behind a cut cable":   provider.WithSidecar(frozen(s.evaluation)),
		"sidecar without a socket":     provider.WithSidecar("unix:" + socket(t)),
		"sync stream that refuses":     provider.WithSyncStream(freeAddress(t)),
		"sync stream that is silent":   provider.WithSyncStream(silent(t)),
		"sync stream behind a cable":   provider.WithSyncStream(frozen(s.sync)),
		"NATS that refuses":            overNATS(freeAddress(t)),
		"NATS that is silent":          overNATS(silent(t)),
		"a file that is not there":     provider.WithFile(filepath.Join(t.TempDir(), "none.json")),
		"a folder that is not there":   provider.WithFile(filepath.Join(t.TempDir(), "none", "none.json")),
		"a file that is not a file":    provider.WithFile(t.TempDir()),
		"sidecar that never gets done": provider.WithSidecar(endless.address),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, follow, provider.WithDeadline(10*patience))
			for _, wait := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond, 400 * time.Millisecond} {
				failed := make(chan error, 1)
				go func() { failed <- p.Init(openfeature.EvaluationContext{}) }()
				pause(wait)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				if d := p.IntEvaluation(ctx, "number", -1, nil); d.Value != -1 {
					t.Errorf("number = %d, of nobody", d.Value)
				}
				cancel()
				begun := time.Now()
				within(t, "an initialisation that is shut down", func() {
					for len(failed) == 0 { // it may begin after a shutdown
						p.Shutdown()
						pause(time.Millisecond)
					}
				})
				if took := time.Since(begun); took > slack {
					t.Errorf("the shutdown took %v", took)
				}
				if err := <-failed; err == nil {
					t.Error("Init returned nil")
				}
			}
		})
	}
}

// Everything at once: initialisations, shutdowns, evaluations and handles. Nothing
// hangs, what is answered is right, and afterwards it works.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	inEachMode(t, func(t *testing.T, _ mode, o *origin) {
		p := newProvider(t, o.options(t)...)
		handle := p.IntHandle("number", -1)
		over := make(chan struct{})
		var all sync.WaitGroup
		var right atomic.Int64
		check := func(what string, got int64) {
			switch got {
			case 1:
				right.Add(1)
			case -1:
			default:
				t.Errorf("%s says %d", what, got)
			}
		}
		for _, do := range []func(){
			func() { _ = p.Init(openfeature.EvaluationContext{}) },
			func() { _ = p.Init(openfeature.EvaluationContext{}) },
			func() { p.Shutdown(); pause(rand.N(300 * time.Millisecond)) },
			func() {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(time.Millisecond))
				defer cancel()
				_ = p.ShutdownWithContext(ctx)
				pause(rand.N(300 * time.Millisecond))
			},
			func() { check("an evaluation", p.IntEvaluation(t.Context(), "number", -1, nil).Value) },
			func() { check("another", p.IntEvaluation(t.Context(), "mine", -1, nil).Value) },
			func() { check("a handle", handle.Value(t.Context(), nil)) },
			func() { p.Stats(); p.Metadata(); p.Hooks() },
			func() {
				select {
				case <-p.EventChannel():
				case <-time.After(time.Millisecond):
				}
			},
		} {
			all.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
						do()
						pause(rand.N(time.Millisecond))
					}
				}
			})
		}
		pause(time.Second)
		close(over)
		within(t, "something", all.Wait)
		t.Logf("%d questions were answered meanwhile", right.Load())
		if err := p.InitWithContext(t.Context(), openfeature.EvaluationContext{}); err != nil {
			t.Errorf("Init after all that: %v", err)
		}
		if got := handle.Value(t.Context(), nil); got != 1 {
			t.Errorf("the handle says %d, want 1", got)
		}
	})
}
