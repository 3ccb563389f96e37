package provider_test

import (
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"
	"github.com/open-feature/go-sdk/openfeature/multi"

	"github.com/flagline/flagline/provider"
)

const farewell = `{"flags": {
	"farewell": {"state": "ENABLED", "variants": {"short": "bye"}, "defaultVariant": "short"},
	"greeting": {"state": "ENABLED", "variants": {"short": "hey"}, "defaultVariant": "short"}
}}`

func value(t *testing.T, client *openfeature.Client, flag string) string {
	t.Helper()
	return client.String(t.Context(), flag, "default", openfeature.EvaluationContext{})
}

func TestOneProviderServesManyDomains(t *testing.T) {
	s := serve(t, "", greeting)
	for name, option := range map[string]provider.Option{
		"sidecar":     provider.WithSidecar(s.addr),
		"sync stream": provider.WithSyncStream(s.sync),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, option, provider.WithDeadline(patience))
			api := isolated.NewAPI()
			var all sync.WaitGroup
			domains := []string{"checkout", "search", "billing", "mail"}
			for _, domain := range domains {
				all.Go(func() {
					if err := api.SetProviderAndWait(t.Context(), p, openfeature.WithDomain(domain)); err != nil {
						t.Errorf("%s: %v", domain, err)
					}
				})
			}
			all.Wait()
			for _, domain := range domains {
				client := api.NewClient(openfeature.WithDomain(domain))
				eventually(t, domain+" is READY", func() bool { return client.State() == openfeature.ReadyState })
				if got := value(t, client, "greeting"); got != "hi" {
					t.Errorf("%s: greeting = %q, want hi", domain, got)
				}
			}
			if err := api.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

func TestProvidersOfDomainsAreApart(t *testing.T) {
	api := isolated.NewAPI()
	first, second := serve(t, "", greeting), serve(t, "", farewell)
	for domain, s := range map[string]*server{"first": first, "second": second} {
		p := newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience))
		if err := api.SetProviderAndWait(t.Context(), p, openfeature.WithDomain(domain)); err != nil {
			t.Fatal(err)
		}
	}
	one, two := api.NewClient(openfeature.WithDomain("first")), api.NewClient(openfeature.WithDomain("second"))
	if a, b := value(t, one, "greeting"), value(t, two, "greeting"); a != "hi" || b != "hey" {
		t.Errorf("the domains answer %q and %q, want hi and hey", a, b)
	}
	first.stop()
	eventually(t, "the first domain is not READY", func() bool { return one.State() != openfeature.ReadyState })
	if state := two.State(); state != openfeature.ReadyState {
		t.Errorf("the second domain is %s because the first lost its sidecar", state)
	}
	if err := api.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestReplacedProviderIsShutDownAndMayReturn(t *testing.T) {
	s := serve(t, "", greeting)
	api := isolated.NewAPI()
	client := api.NewClient()
	a := newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience))
	b := newProvider(t, provider.WithSyncStream(s.sync), provider.WithDeadline(patience))
	for i, p := range []*provider.Provider{a, b, a, b} {
		if err := api.SetProviderAndWait(t.Context(), p); err != nil {
			t.Fatalf("turn %d: %v", i, err)
		}
		if got := value(t, client, "greeting"); got != "hi" {
			t.Errorf("turn %d: greeting = %q, want hi", i, got)
		}
		if i > 0 {
			before := []*provider.Provider{a, b}[(i+1)%2]
			eventually(t, "the provider before is shut down", func() bool {
				d := before.StringEvaluation(t.Context(), "greeting", "default", nil)
				return d.ResolutionDetail().ErrorCode == openfeature.ProviderNotReadyCode
			})
		}
	}
	if err := api.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestMultiProviderAsksOneAfterTheOther(t *testing.T) {
	own := newScript("own")
	go own.deliver(t, `{"flags": {"greeting": `+longGreeting+`}}`)
	s := serve(t, "", farewell)
	all, err := multi.NewProvider(multi.StrategyFirstMatch,
		multi.WithProvider("own", newProvider(t, provider.WithSource(own), provider.WithDeadline(patience))),
		multi.WithProvider("common", newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience))),
	)
	if err != nil {
		t.Fatal(err)
	}
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	client := api.NewClient()
	if a, b := value(t, client, "greeting"), value(t, client, "farewell"); a != "good day" || b != "bye" {
		t.Errorf("greeting = %q and farewell = %q, want good day from the first and bye from the second", a, b)
	}
	if got := value(t, client, "neither"); got != "default" {
		t.Errorf("a flag that nobody has = %q, want the default", got)
	}
	if err := api.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
