package provider_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc"

	"github.com/flagline/flagline/internal/link"
	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
)

// counted adds up the streams that a provider opens.
func counted(opened *atomic.Int64) provider.Option {
	return provider.WithDialOptions(grpc.WithStreamInterceptor(func(
		ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, next grpc.Streamer, options ...grpc.CallOption,
	) (grpc.ClientStream, error) {
		opened.Add(1)
		return next(ctx, desc, conn, method, options...)
	}))
}

// A stream that is opened anew in time loses nothing, and is no news.
func TestRenewedStreamIsNoNews(t *testing.T) {
	s := serve(t, "", greeting)
	for name, follow := range map[string]provider.Option{
		"sidecar":     provider.WithSidecar(s.addr),
		"sync stream": provider.WithSyncStream(s.sync),
	} {
		t.Run(name, func(t *testing.T) {
			var opened atomic.Int64
			p := newProvider(t, follow, counted(&opened), provider.WithDeadline(patience),
				provider.WithStreamDeadline(20*time.Millisecond), provider.WithRetryBackoff(time.Millisecond, time.Millisecond))
			if err := p.Init(openfeature.EvaluationContext{}); err != nil {
				t.Fatal(err)
			}
			greet(t, p)
			eventually(t, "the stream is opened a few times", func() bool { return opened.Load() >= 4 })
			select {
			case e := <-p.EventChannel():
				t.Errorf("got event %s (%s) because of it", e.EventType, e.Message)
			default:
			}
			for i := range 5 { // of which some come while one stream takes the place of another
				s.source.put(t, "extra", strings.Replace(longGreeting, "good day", name+strings.Repeat("!", i), 1))
				nextChange(t, p, "extra")
			}
			select {
			case e := <-p.EventChannel():
				t.Errorf("got event %s (%s, %q) once more", e.EventType, e.Message, e.FlagChanges)
			case <-time.After(300 * time.Millisecond): // longer than both streams go on
			}
		})
	}
}

// A sidecar that is there and does not answer costs one caller at a time the
// deadline, not everyone.
func TestSidecarThatStopsAnsweringHoldsUpOneCallerAtATime(t *testing.T) {
	s := serve(t, "", greeting)
	wire := link.New(t, s.addr)
	const deadline = 500 * time.Millisecond
	p := newProvider(t, provider.WithSidecar(wire.Address()), provider.WithDeadline(deadline), provider.WithCache(0))
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	ask := func() openfeature.StringResolutionDetail {
		return p.StringEvaluation(t.Context(), "greeting", "default", nil)
	}
	if d := ask(); d.Value != "hi" {
		t.Fatalf("greeting = %q, want hi", d.Value)
	}
	wire.Freeze()
	if d := ask(); d.Value != "default" {
		t.Errorf("greeting = %q through a frozen wire", d.Value)
	}
	var refused atomic.Int64
	var all sync.WaitGroup
	for i := range 8 { // different questions: the same one goes out once in any case
		all.Go(func() {
			ec := map[string]any{"caller": i}
			if d := p.StringEvaluation(t.Context(), "greeting", "default", ec); strings.Contains(d.ResolutionDetail().ErrorMessage, "stopped answering") {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	if refused.Load() == 0 {
		t.Error("eight callers were all let wait")
	}
	wire.Thaw()
	eventually(t, "it answers again", func() bool { return ask().Value == "hi" })
}

func TestFatalCodeEndsAnInitialisationForGood(t *testing.T) {
	token := t.TempDir() + "/tokens"
	writeFile(t, token, []byte("a-token-that-is-long-enough\n"))
	door := sidecar.Door{TokenFile: token}
	s := serveConfig(t, greeting, sidecar.Config{Evaluation: door, Sync: door})
	for name, follow := range map[string]provider.Option{
		"sidecar":     provider.WithSidecar(s.addr),
		"sync stream": provider.WithSyncStream(s.sync),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, follow, provider.WithDeadline(patience), provider.WithFatalStatusCodes("UNAUTHENTICATED"))
			client, err := bind(t, p)
			if err == nil || !strings.Contains(err.Error(), "nauthenticated") && !strings.Contains(err.Error(), "UNAUTHENTICATED") {
				t.Errorf("setting the provider: %v, want that it is not let in", err)
			}
			eventually(t, "the client is FATAL", func() bool { return client.State() == openfeature.FatalState })
		})
	}
}

func TestSelectorNarrowsTheFlagsInEachMode(t *testing.T) {
	const document = `{"flags": {
		"ours":   {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"flagSetId": "shop"}},
		"theirs": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"flagSetId": "bank"}}
	}}`
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			options := append(w.open(t, document), provider.WithDeadline(patience), provider.WithSelector("flagSetId=shop"))
			client, err := bind(t, newProvider(t, options...))
			if err != nil {
				t.Fatal(err)
			}
			d, err := client.BooleanValueDetails(t.Context(), "ours", false, openfeature.EvaluationContext{})
			if err != nil || !d.Value || d.FlagMetadata["flagSetId"] != "shop" {
				t.Errorf("ours = %v (%v), of %v", d.Value, err, d.FlagMetadata)
			}
			if d, _ := client.BooleanValueDetails(t.Context(), "theirs", false, openfeature.EvaluationContext{}); d.ErrorCode != openfeature.FlagNotFoundCode {
				t.Errorf("theirs = %v (%s), want FLAG_NOT_FOUND", d.Value, d.ErrorCode)
			}
		})
	}
}

func TestContextOfTheServerJoinsThatOfEachEvaluation(t *testing.T) {
	const document = `{"flags": {"f": {"state": "ENABLED", "variants": {"eu": "eu", "us": "us"}, "defaultVariant": "us",
		"targeting": {"var": "region"}}}}`
	s := serveConfig(t, document, sidecar.Config{Context: map[string]any{"region": "eu"}})
	caller := openfeature.NewTargetlessEvaluationContext(map[string]any{"region": "us"})
	for name, row := range map[string]struct {
		options []provider.Option
		want    string
	}{
		"sidecar":     {[]provider.Option{provider.WithSidecar(s.addr)}, "eu"},
		"sync stream": {[]provider.Option{provider.WithSyncStream(s.sync)}, "eu"},
		"sync stream, otherwise": {[]provider.Option{
			provider.WithSyncStream(s.sync),
			provider.WithContextEnricher(func(ec map[string]any) map[string]any {
				if ec["region"] != "eu" {
					t.Errorf("the server's context is %v", ec)
				}
				return nil
			}),
		}, "us"},
	} {
		p := newProvider(t, append(row.options, provider.WithDeadline(patience))...)
		client, err := bind(t, p)
		if err != nil {
			t.Fatal(err)
		}
		if got := client.String(t.Context(), "f", "default", caller); got != row.want {
			t.Errorf("%s: f = %q, want %s", name, got, row.want)
		}
		if got := p.StringHandle("f", "default").Value(t.Context(), map[string]any{"region": "us"}); got != row.want {
			t.Errorf("%s: the handle says %q, want %s", name, got, row.want)
		}
	}
}
