package provider_test

import (
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
)

func TestHandleAnswersAsTheProviderDoes(t *testing.T) {
	gold := map[string]any{"targetingKey": "ada", "tier": "gold", "sure": true, "age": 36}
	test := func(t *testing.T, p *provider.Provider) {
		t.Helper()
		ctx := t.Context()
		for flag, want := range map[string]bool{"bool": true, "undecided": true, "disabled": false, "missing": false, "string": false} {
			h := p.BooleanHandle(flag, false)
			if got := h.Value(ctx, gold); got != want {
				t.Errorf("%s = %v, want %v", flag, got, want)
			}
			details, theirs := h.Details(ctx, gold), p.BooleanEvaluation(ctx, flag, false, gold)
			if theirs.Reason == openfeature.CachedReason {
				details = h.Details(ctx, gold)
			}
			if text(details) != text(theirs) {
				t.Errorf("%s: the handle says %s, the provider %s", flag, text(details), text(theirs))
			}
		}
		if got := p.StringHandle("string", "d").Value(ctx, gold); got != "y" {
			t.Errorf("string = %q, want y", got)
		}
		if got := p.FloatHandle("float", 9).Value(ctx, nil); got != 0.3 {
			t.Errorf("float = %v, want 0.3", got)
		}
		if got := p.IntHandle("fraction", 9).Value(ctx, nil); got != 1 {
			t.Errorf("fraction = %v, want 1", got)
		}
		if got := p.ObjectHandle("object", nil).Value(ctx, nil); got["n"] != 1.0 {
			t.Errorf("object = %v", got)
		}
	}
	t.Run("in-process", func(t *testing.T) {
		src := newScript("test")
		p := newProvider(t, provider.WithSource(src))
		go src.deliver(t, zoo)
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatal(err)
		}
		test(t, p)
	})
	t.Run("sidecar", func(t *testing.T) {
		s := serve(t, "", zoo)
		p := newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience))
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatal(err)
		}
		test(t, p)
	})
}

func TestDetailsBelongToWhoAskedForThem(t *testing.T) {
	src := newScript("test")
	p := newProvider(t, provider.WithSource(src))
	go src.deliver(t, zoo)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	h := p.BooleanHandle("bool", false)
	h.Details(t.Context(), nil).FlagMetadata["team"] = "mine"
	if got := h.Details(t.Context(), nil).FlagMetadata["team"]; got != "shop" {
		t.Errorf("the flag's team became %v because a caller changed its copy", got)
	}
}

func TestHandleFollowsItsFlagAndItsProvider(t *testing.T) {
	src := newScript("test")
	p := newProvider(t, provider.WithSource(src))
	h := p.StringHandle("greeting", "default")
	expect := func(when, want string) {
		t.Helper()
		if got := h.Value(t.Context(), nil); got != want {
			t.Errorf("%s greeting = %q, want %q", when, got, want)
		}
	}
	expect("before Init", "default")
	for range 2 {
		go src.deliver(t, greeting)
		if err := p.Init(openfeature.EvaluationContext{}); err != nil {
			t.Fatal(err)
		}
		expect("in the beginning", "hi")
		src.put(t, "greeting", longGreeting)
		expect("after a change", "good day")
		src.deliver(t, `{"flags": {}}`)
		expect("without the flag", "default")
		src.deliver(t, greeting)
		expect("with it", "hi")
		p.Shutdown()
		expect("after Shutdown", "default")
	}
}

func TestHandleDoesNotAllocate(t *testing.T) {
	src := newScript("test")
	p := newProvider(t, provider.WithSource(src))
	go src.deliver(t, zoo)
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	ec := map[string]any{"targetingKey": "ada", "tier": "gold", "age": 36, "height": 1.7}
	static, ruled, number := p.BooleanHandle("bool", false), p.StringHandle("string", ""), p.IntHandle("int", 0)
	if n := testing.AllocsPerRun(100, func() {
		static.Value(t.Context(), ec)
		ruled.Value(t.Context(), ec)
		number.Value(t.Context(), ec)
	}); n != 0 {
		t.Errorf("three values take %v allocations, want none", n)
	}
}
