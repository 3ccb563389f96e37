package otelhook_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/provider/otelhook"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// A delivered source says when its flags have arrived.
type delivered struct {
	source.Source

	arrived chan struct{}
}

func (d delivered) Watch(ctx context.Context, sink source.Sink) error {
	return d.Source.Watch(ctx, arrivals{sink, d.arrived})
}

type arrivals struct {
	source.Sink

	arrived chan struct{}
}

func (s arrivals) Apply(u source.Update) []source.Rejection {
	defer func() { s.arrived <- struct{}{} }()
	return s.Sink.Apply(u)
}

// serve runs a sidecar over testdata/flags.json and returns its address.
func serve(t testing.TB) string {
	t.Helper()
	src := delivered{file.New("testdata/flags.json"), make(chan struct{}, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{src},
			Ready:   func(a sidecar.Addresses) { ready <- a },
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
		<-src.arrived
		return a.Evaluation
	case <-time.After(patience):
		t.Fatal("the sidecar does not start")
		return ""
	}
}

// bind sets a provider of these options for an API of its own.
func bind(t testing.TB, options ...provider.Option) (*provider.Provider, *openfeature.EvaluationAPI) {
	t.Helper()
	p, err := provider.New(append(options, provider.WithoutEnvironment(), provider.WithDeadline(patience))...)
	if err != nil {
		t.Fatal(err)
	}
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p, api
}

func TestSetAndVersionArriveInEachMode(t *testing.T) {
	for mode, option := range map[string]provider.Option{
		"sidecar":    provider.WithSidecar(serve(t)),
		"in-process": provider.WithFile("testdata/flags.json"),
	} {
		t.Run(mode, func(t *testing.T) {
			_, api := bind(t, option)
			api.AddHooks(otelhook.Traces())
			for _, e := range evaluations[:4] {
				events := traced(t, func(ctx context.Context) { e.ask(ctx, api.NewClient()) })
				if got := written(events[0].Attributes); got != e.want {
					t.Errorf("%s: the event has\n%s\nwant\n%s", e.name, got, e.want)
				}
			}
		})
	}
}

func TestCacheOfTheProviderIsObserved(t *testing.T) {
	m := newMeter(t)
	p, api := bind(t, provider.WithSidecar(serve(t)))
	registration, err := otelhook.Observe(m, p)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		api.NewClient().Boolean(t.Context(), "new-checkout", false, nobody)
	}
	s := p.Stats()
	if s.Hits+s.Misses != 5 || s.Calls == 0 || s.CallTime == 0 {
		t.Errorf("after 5 evaluations the stats are %+v", s)
	}
	want := []string{
		fmt.Sprint("flagline.provider.cache.hits ", s.Hits),
		fmt.Sprint("flagline.provider.cache.misses ", s.Misses),
		fmt.Sprint("flagline.provider.cache.collapsed ", s.Collapsed),
		fmt.Sprint("flagline.provider.cache.evicted ", s.Evicted),
		fmt.Sprint("flagline.provider.cache.entries ", s.Entries),
		fmt.Sprint("flagline.provider.calls ", s.Calls),
		fmt.Sprint("flagline.provider.call.time ", s.CallTime.Seconds()),
	}
	wantLines(t, m.collect(t), want...)
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, m.collect(t))
}

func TestStateOfTheProviderIsObserved(t *testing.T) {
	m := newMeter(t)
	flags := shop(t)
	if _, err := otelhook.ObserveState(m, flags.Client()); err != nil {
		t.Fatal(err)
	}
	lines := func(state string) (all []string) {
		for _, s := range []string{"not_ready", "ready", "stale", "error", "fatal"} {
			is := 0
			if s == state {
				is = 1
			}
			all = append(all, fmt.Sprintf("flagline.provider.state state=%s %d", s, is))
		}
		return all
	}
	wantLines(t, m.collect(t), lines("ready")...)

	api := isolated.NewAPI()
	other := newMeter(t)
	if _, err := otelhook.ObserveState(other, api.NewClient()); err != nil {
		t.Fatal(err)
	}
	wantLines(t, other.collect(t), lines("not_ready")...)
}
