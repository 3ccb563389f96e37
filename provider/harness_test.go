package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"go.uber.org/goleak"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

const greeting = `{"flags": {
	"greeting": {"state": "ENABLED", "variants": {"short": "hi", "long": "good day"}, "defaultVariant": "short"},
	"new-checkout": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"}
}}`

// A script is a source that does what the test says, step by step.
type script struct {
	name  string
	steps chan func(source.Sink) error
}

func newScript(name string) *script {
	return &script{name: name, steps: make(chan func(source.Sink) error)}
}

func (s *script) Name() string { return s.name }

func (s *script) Watch(ctx context.Context, sink source.Sink) error {
	for {
		select {
		case step := <-s.steps:
			if err := step(sink); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// do has the source take a step, and returns once the sink has taken it.
func (s *script) do(t testing.TB, step func(source.Sink)) {
	t.Helper()
	taken := make(chan struct{})
	select {
	case s.steps <- func(sink source.Sink) error { step(sink); close(taken); return nil }:
		<-taken
	case <-time.After(patience):
		t.Fatal("nobody watches the source")
	}
}

// fail ends the watch for good.
func (s *script) fail(err error) { s.steps <- func(source.Sink) error { return err } }

// deliver makes document all that the source holds, and confirms it.
func (s *script) deliver(t testing.TB, document string) {
	t.Helper()
	s.apply(t, document)
	s.connect(t)
}

// apply makes document all that the source holds and says no more.
func (s *script) apply(t testing.TB, document string) {
	t.Helper()
	doc, err := flagdoc.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	s.do(t, func(sink source.Sink) { sink.Apply(source.Update{Replace: true, Records: doc.Records()}) })
}

// put changes one flag.
func (s *script) put(t testing.TB, key, body string) {
	t.Helper()
	record := source.Record{Key: key, Body: []byte(body)}
	s.do(t, func(sink source.Sink) { sink.Apply(source.Update{Records: []source.Record{record}}) })
}

func (s *script) connect(t testing.TB) {
	t.Helper()
	s.do(t, func(sink source.Sink) { sink.Report(source.Status{Connected: true, Confirmed: time.Now()}) })
}

func (s *script) disconnect(t testing.TB) {
	t.Helper()
	s.do(t, func(sink source.Sink) { sink.Report(source.Status{Err: errors.New("the wire was cut")}) })
}

// A server is a running sidecar.
type server struct {
	addr, sync string
	source     *script
	stop       func()
}

// serve runs a sidecar that holds document at addr, or at a free port if that
// is empty.
func serve(t testing.TB, addr, document string) *server {
	t.Helper()
	return serveConfig(t, document, sidecar.Config{Evaluation: sidecar.Door{Address: addr}})
}

// serveConfig runs a sidecar as cfg says that holds document.
func serveConfig(t testing.TB, document string, cfg sidecar.Config) *server {
	t.Helper()
	src := newScript("test")
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan sidecar.Addresses, 1)
	ended := make(chan error, 1)
	cfg.Sources = []source.Source{src}
	cfg.Ready = func(a sidecar.Addresses) { ready <- a }
	go func() { ended <- sidecar.Run(ctx, cfg) }()
	s := &server{source: src, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the sidecar: %v", err)
		}
	})}
	t.Cleanup(s.stop)
	select {
	case a := <-ready:
		s.addr, s.sync = a.Evaluation, a.Sync
	case err := <-ended:
		ended <- nil // for stop
		t.Fatalf("start the sidecar: %v", err)
	}
	src.deliver(t, document)
	return s
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func newProvider(t testing.TB, options ...provider.Option) *provider.Provider {
	t.Helper()
	p, err := provider.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Shutdown)
	return p
}

// bind sets p for an API of its own and returns a client, and what setting it
// came to.
func bind(t testing.TB, p *provider.Provider) (*openfeature.Client, error) {
	t.Helper()
	api := isolated.NewAPI()
	t.Cleanup(func() {
		if err := api.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	err := api.SetProviderAndWait(t.Context(), p)
	return api.NewClient(), err
}

// eventually waits until claim holds.
func eventually(t testing.TB, what string, claim func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(patience); !claim(); {
		select {
		case <-look.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// next returns the next event of p, which must be of the given kind.
func next(t testing.TB, p *provider.Provider, kind openfeature.EventType) openfeature.Event {
	t.Helper()
	select {
	case e := <-p.EventChannel():
		if e.EventType != kind {
			t.Fatalf("got event %s (%s), want %s", e.EventType, e.Message, kind)
		}
		return e
	case <-time.After(patience):
		t.Fatalf("got no event, want %s", kind)
	}
	return openfeature.Event{}
}

// nextChange returns the flags that the next event says have changed.
func nextChange(t testing.TB, p *provider.Provider, want ...string) {
	t.Helper()
	e := next(t, p, openfeature.ProviderConfigChange)
	if !slices.Equal(e.FlagChanges, want) {
		t.Errorf("event names the flags %q, want %q", e.FlagChanges, want)
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
