package provider_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source"
)

const (
	shortGreeting = `{"state": "ENABLED", "variants": {"short": "hi", "long": "good day"}, "defaultVariant": "short"}`
	longGreeting  = `{"state": "ENABLED", "variants": {"short": "hi", "long": "good day"}, "defaultVariant": "long"}`
)

// inBubble runs test over a provider that follows a scripted source.
func inBubble(t *testing.T, test func(t *testing.T, p *provider.Provider, src *script), options ...provider.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		src := newScript("test")
		test(t, newProvider(t, append(options, provider.WithSource(src))...), src)
	})
}

// ready initialises p over the flags of greeting.
func ready(t *testing.T, p *provider.Provider, src *script) {
	t.Helper()
	go src.deliver(t, greeting)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatalf("Init: %v", err)
	}
	synctest.Wait()
}

// quiet checks that p has no event to tell.
func quiet(t *testing.T, p *provider.Provider) {
	t.Helper()
	time.Sleep(time.Second)
	select {
	case e := <-p.EventChannel():
		t.Errorf("got event %s (%s), want none", e.EventType, e.Message)
	default:
	}
}

func greet(t *testing.T, p *provider.Provider) string {
	t.Helper()
	return p.StringEvaluation(t.Context(), "greeting", "default", nil).Value
}

func TestFirstFlagsMakeItReadyWithoutAnEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		quiet(t, p)
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi", got)
		}
	})
}

func TestChangeNamesTheFlagsThatChanged(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.put(t, "greeting", longGreeting)
		nextChange(t, p, "greeting")
		if got := greet(t, p); got != "good day" {
			t.Errorf("greeting = %q, want good day", got)
		}

		src.put(t, "greeting", longGreeting) // the same again
		quiet(t, p)

		src.deliver(t, `{"flags": {}}`)
		nextChange(t, p, "greeting", "new-checkout")
	})
}

func TestLostSourceIsStaleThenAnErrorThenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.disconnect(t)
		begin := time.Now()
		if e := next(t, p, openfeature.ProviderStale); !strings.Contains(e.Message, "the wire was cut") {
			t.Errorf("STALE says %q, want the cause in it", e.Message)
		}

		if e := next(t, p, openfeature.ProviderError); e.ErrorCode != openfeature.GeneralCode {
			t.Errorf("ERROR has code %q, want GENERAL", e.ErrorCode)
		}
		if got := time.Since(begin).Round(time.Second); got != 10*time.Second {
			t.Errorf("ERROR came after %v, want after the grace period of 10s", got)
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q in ERROR, want the last known hi", got)
		}

		src.put(t, "greeting", longGreeting)
		nextChange(t, p, "greeting")
		src.connect(t)
		next(t, p, openfeature.ProviderReady)
		nextChange(t, p, "greeting")
	})
}

func TestReturnWithinTheGracePeriodIsNoError(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.disconnect(t)
		next(t, p, openfeature.ProviderStale)
		src.disconnect(t) // one outage, one event
		time.Sleep(9 * time.Second)
		src.connect(t)
		next(t, p, openfeature.ProviderReady)
		nextChange(t, p)
		time.Sleep(time.Minute)
		src.connect(t)
		quiet(t, p)
	})
}

func TestUnconfirmedFlagsAreStale(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		time.Sleep(8 * time.Second)
		src.connect(t) // confirms
		begin := time.Now()
		next(t, p, openfeature.ProviderStale)
		if got := time.Since(begin); got != 10*time.Second {
			t.Errorf("STALE came after %v, want 10s after the last confirmation", got)
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q in STALE, want hi", got)
		}
		src.connect(t)
		next(t, p, openfeature.ProviderReady)
		nextChange(t, p)
	}, provider.WithStaleAfter(10*time.Second))
}

func TestSourceThatComesLateMakesItReady(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		begin := time.Now()
		err := p.Init(openfeature.EvaluationContext{})
		if err == nil || time.Since(begin) != 500*time.Millisecond {
			t.Fatalf("Init returned %v after %v, want an error after 500ms", err, time.Since(begin))
		}
		d := p.StringEvaluation(t.Context(), "greeting", "default", nil)
		if code := d.ResolutionDetail().ErrorCode; d.Value != "default" || code != openfeature.ProviderNotReadyCode {
			t.Errorf("greeting = %q (%s), want the default and PROVIDER_NOT_READY", d.Value, code)
		}
		time.Sleep(time.Hour)
		src.deliver(t, greeting)
		next(t, p, openfeature.ProviderReady)
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi", got)
		}
		quiet(t, p)
	})
}

func TestClientOfFlagsFromDiskIsStale(t *testing.T) {
	src := newScript("test")
	go func() {
		src.disconnect(t)
		src.apply(t, greeting)
	}()
	client, err := bind(t, newProvider(t, provider.WithSource(src), provider.WithDeadline(100*time.Millisecond)))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the client is STALE", func() bool { return client.State() == openfeature.StaleState })
	src.connect(t)
	eventually(t, "the client is READY", func() bool { return client.State() == openfeature.ReadyState })
}

func TestFlagsFromDiskThatComeLateMakeItStale(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		if err := p.Init(openfeature.EvaluationContext{}); err == nil {
			t.Fatal("Init returned nil without flags")
		}
		src.disconnect(t)
		src.apply(t, greeting)
		next(t, p, openfeature.ProviderStale)
		src.connect(t)
		next(t, p, openfeature.ProviderReady)
		nextChange(t, p)
	})
}

func TestFlagsFromDiskAreUsableAndStale(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		go func() {
			src.disconnect(t)
			src.apply(t, greeting) // a snapshot, while the origin is away
		}()
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatalf("Init: %v, want nil: there are flags to answer from", err)
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi", got)
		}
		next(t, p, openfeature.ProviderStale)
		next(t, p, openfeature.ProviderError)
		src.connect(t)
		next(t, p, openfeature.ProviderReady)
	})
}

func TestSourceThatCanNeverSucceedIsFatal(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		go src.fail(errors.New("the environment's name is not one"))
		err := p.Init(openfeature.EvaluationContext{})
		e, ok := errors.AsType[*openfeature.ProviderInitError](err)
		if !ok || e.ErrorCode != openfeature.ProviderFatalCode || !strings.Contains(e.Message, "not one") {
			t.Errorf("Init returned %v, want PROVIDER_FATAL with the cause", err)
		}
		if again := p.Init(openfeature.EvaluationContext{}); again == nil {
			t.Error("a second Init of a provider that cannot succeed returned nil")
		}
	})
}

func TestSourceThatEndsLaterIsLostNotFatal(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.fail(errors.New("removed"))
		next(t, p, openfeature.ProviderStale)
		if e := next(t, p, openfeature.ProviderError); e.ErrorCode == openfeature.ProviderFatalCode {
			t.Error("the provider is FATAL although it has flags")
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi", got)
		}
	})
}

func TestAllSourcesHaveToDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, own := newScript("base"), newScript("own")
		p := newProvider(t, provider.WithSource(base), provider.WithSource(own))
		go base.deliver(t, greeting)
		if err := p.Init(openfeature.EvaluationContext{}); err == nil || !strings.Contains(err.Error(), `"own"`) {
			t.Errorf("Init returned %v, want an error that names the source without flags", err)
		}
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want hi: the first source has it", got)
		}
		own.apply(t, `{"flags": {"greeting": `+longGreeting+`}}`)
		own.connect(t)
		next(t, p, openfeature.ProviderReady)
		if got := greet(t, p); got != "good day" {
			t.Errorf("greeting = %q, want good day: the later source wins", got)
		}
		base.disconnect(t)
		next(t, p, openfeature.ProviderStale)
	})
}

func TestInitHeedsItsContextAndGoesOnAfterIt(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := p.InitWithContext(ctx, openfeature.EvaluationContext{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Init returned %v, want that its context is over", err)
		}
		src.do(t, func(sink source.Sink) { sink.Report(source.Status{Connected: true}) })
		src.apply(t, greeting)
		next(t, p, openfeature.ProviderReady)
	})
}

func TestSecondDomainOfAStaleProviderIsToldSo(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.disconnect(t)
		next(t, p, openfeature.ProviderStale)
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Errorf("Init: %v, want nil: there are flags to answer from", err)
		}
		next(t, p, openfeature.ProviderStale) // after what the SDK made of nil
	})
}

func TestFlagThatDoesNotCompileAnswersWithItsLastGoodVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, p *provider.Provider, src *script) {
		ready(t, p, src)
		src.put(t, "greeting", `{"state": "ENABLED", "variants": {"short": "hi"}, "defaultVariant": "none"}`)
		if got := greet(t, p); got != "hi" {
			t.Errorf("greeting = %q, want the last good hi", got)
		}
		quiet(t, p)
	})
}
