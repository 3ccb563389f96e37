package provider_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/sidecar"
)

const (
	tiered = `{"flags": {
		"static":  {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
		"by-tier": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			"targeting": {"if": [{"==": [{"var": "tier"}, "gold"]}, "on", "off"]}},
		"by-time": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
			"targeting": {"if": [{">": [{"var": "$flagd.timestamp"}, 10]}, "on", "off"]}},
		"disabled": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"}
	}}`
	silverToo = `{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"in": [{"var": "tier"}, ["gold", "silver"]]}, "on", "off"]}}`
)

func ofTier(tier string) openfeature.EvaluationContext {
	return openfeature.NewEvaluationContext("ada", map[string]any{"tier": tier, "age": 36})
}

// asked returns how often p has asked the sidecar.
func asked(p *provider.Provider) uint64 { return p.Stats().Calls }

// reasons asks for flag so often, and returns how the answers came about.
func reasons(t *testing.T, client *openfeature.Client, times int, flag string, ec openfeature.EvaluationContext) string {
	t.Helper()
	var all string
	for range times {
		d, err := client.BooleanValueDetails(t.Context(), flag, false, ec)
		if err != nil {
			t.Fatalf("%s: %v", flag, err)
		}
		all += fmt.Sprintf("%v %s, ", d.Value, d.Reason)
	}
	return all
}

func besideSidecar(t *testing.T, document string, options ...provider.Option) (*server, *provider.Provider, *openfeature.Client) {
	t.Helper()
	s := serve(t, "", document)
	p := newProvider(t, append([]provider.Option{provider.WithSidecar(s.addr), provider.WithDeadline(patience)}, options...)...)
	client, err := bind(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return s, p, client
}

func TestAnswersThatMayBeKeptAreAskedForOnce(t *testing.T) {
	_, p, client := besideSidecar(t, tiered)
	nobody := openfeature.EvaluationContext{}
	for _, row := range []struct {
		flag string
		ec   openfeature.EvaluationContext
		want string
		out  uint64
	}{
		{"static", nobody, "true STATIC, true CACHED, true CACHED, ", 1},
		{"static", ofTier("gold"), "true CACHED, true CACHED, true CACHED, ", 0},
		{"by-tier", ofTier("gold"), "true TARGETING_MATCH, true CACHED, true CACHED, ", 1},
		{"by-tier", ofTier("lead"), "false TARGETING_MATCH, false CACHED, false CACHED, ", 1},
		{"by-tier", ofTier("gold"), "true CACHED, true CACHED, true CACHED, ", 0},
		{"by-tier", openfeature.NewEvaluationContext("bob", map[string]any{"tier": "gold", "plan": 7}), "true CACHED, true CACHED, true CACHED, ", 0},
		{"by-time", nobody, "true TARGETING_MATCH, true TARGETING_MATCH, true TARGETING_MATCH, ", 3},
		{"disabled", nobody, "false DISABLED, false DISABLED, false DISABLED, ", 1},
	} {
		before := asked(p)
		if got := reasons(t, client, 3, row.flag, row.ec); got != row.want {
			t.Errorf("%s is answered %s want %s", row.flag, got, row.want)
		}
		if got := asked(p) - before; got != row.out {
			t.Errorf("%s took %d questions, want %d", row.flag, got, row.out)
		}
	}
	if stats := p.Stats(); stats.Hits != 17 || stats.Misses != 7 || stats.CallTime <= 0 || stats.Entries != 4 {
		t.Errorf("the counts are %+v", stats)
	}
}

func TestKeptAnswersGoWithTheChangeOfTheirFlagAlone(t *testing.T) {
	s, p, client := besideSidecar(t, tiered)
	changed := make(chan []string, 10)
	handler := func(e openfeature.EventDetails) { changed <- e.FlagChanges }
	client.AddHandler(openfeature.ProviderConfigChange, &handler)
	silver := ofTier("silver")
	if got := reasons(t, client, 2, "by-tier", silver); got != "false TARGETING_MATCH, false CACHED, " {
		t.Errorf("before the change: %s", got)
	}
	reasons(t, client, 1, "static", silver)

	s.source.put(t, "by-tier", silverToo)
	if got := <-changed; len(got) != 1 || got[0] != "by-tier" {
		t.Errorf("the event names %q", got)
	}
	before := asked(p)
	if got := reasons(t, client, 2, "by-tier", silver); got != "true TARGETING_MATCH, true CACHED, " {
		t.Errorf("after the change: %s", got)
	}
	if got := reasons(t, client, 1, "static", silver); got != "true CACHED, " {
		t.Errorf("another flag: %s", got)
	}
	if got := asked(p) - before; got != 1 {
		t.Errorf("%d questions were asked, want 1", got)
	}
}

func TestWithoutCacheEverythingIsAsked(t *testing.T) {
	_, p, client := besideSidecar(t, tiered, provider.WithCache(0))
	if got := reasons(t, client, 3, "static", ofTier("gold")); got != "true STATIC, true STATIC, true STATIC, " {
		t.Errorf("static is answered %s", got)
	}
	if got := asked(p); got != 3 {
		t.Errorf("%d questions were asked, want 3", got)
	}
}

// Until the stream is back nobody can say that an answer is still right; what was
// right a moment ago is better than nothing.
func TestKeptAnswersSurviveTheGracePeriodAndNotTheError(t *testing.T) {
	s := serve(t, "", tiered)
	p := newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience), provider.WithGracePeriod(patience/10))
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	value := func() openfeature.BoolResolutionDetail {
		return p.BooleanEvaluation(t.Context(), "static", false, nil)
	}
	value()
	s.stop()
	next(t, p, openfeature.ProviderStale)
	if d := value(); !d.Value || d.Reason != openfeature.CachedReason {
		t.Errorf("in STALE it is %v, %s, want what is known", d.Value, d.Reason)
	}
	next(t, p, openfeature.ProviderError)
	if d := value(); d.Value || d.ResolutionDetail().ErrorCode != openfeature.GeneralCode {
		t.Errorf("in ERROR it is %v, %s, want the default", d.Value, d.Reason)
	}
	serve(t, s.addr, tiered)
	next(t, p, openfeature.ProviderReady)
	if d := value(); !d.Value || d.Reason != openfeature.StaticReason {
		t.Errorf("after that it is %v, %s, want a new answer", d.Value, d.Reason)
	}
}

func TestNobodySeesAnOlderAnswerThanTheEventTheyHeard(t *testing.T) {
	s, _, client := besideSidecar(t, tiered)
	numbered := func(n int) string {
		return fmt.Sprintf(`{"state": "ENABLED", "variants": {"n": %d}, "defaultVariant": "n"}`, n)
	}
	var mu sync.Mutex
	said := 0 // the number that an event has announced
	changed := make(chan struct{}, 1000)
	handler := func(openfeature.EventDetails) { changed <- struct{}{} }
	client.AddHandler(openfeature.ProviderConfigChange, &handler)

	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				least := said
				mu.Unlock()
				if got := client.Int(context.WithoutCancel(ctx), "number", 1<<40, openfeature.EvaluationContext{}); got < int64(least) {
					t.Errorf("the number is %d after the event of %d", got, least)
					return
				}
			}
		})
	}
	for n := 1; n <= 200; n++ {
		s.source.put(t, "number", numbered(n))
		<-changed
		mu.Lock()
		said = n
		mu.Unlock()
	}
	cancel()
	readers.Wait()
}

// What a caller adds to the request may decide the answer.
func TestAnswerToACallersMetadataIsNobodyElses(t *testing.T) {
	const document = `{"flags": {"f": {"state": "ENABLED", "variants": {"ada": "ada", "bob": "bob", "none": "none"},
		"defaultVariant": "none", "targeting": {"var": "user"}}}}`
	s := serveConfig(t, document, sidecar.Config{Headers: map[string]string{"X-User": "user"}})
	p := newProvider(t, provider.WithSidecar(s.addr), provider.WithDeadline(patience))
	if err := p.Init(openfeature.EvaluationContext{}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			user := []string{"ada", "bob"}[i%2]
			ctx := metadata.AppendToOutgoingContext(t.Context(), "x-user", user)
			if d := p.StringEvaluation(ctx, "f", "default", nil); d.Value != user {
				t.Errorf("%s gets the answer of %s", user, d.Value)
			}
		})
	}
	all.Wait()
}
