package enrich_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/flagline/flagline/sidecar/internal/enrich"
)

func TestHeaderWinsOverStaticWinsOverRequest(t *testing.T) {
	rules := enrich.Rules{
		Static:  map[string]any{"region": "static", "tier": "static"},
		Headers: map[string]string{"x-region": "region"},
	}
	headers := http.Header{}
	headers.Set("X-Region", "header")

	got := rules.Context(map[string]any{"region": "asked", "tier": "asked", "email": "asked"}, headers)

	want := map[string]any{"region": "header", "tier": "static", "email": "asked"}
	if !maps.Equal(got, want) {
		t.Errorf("Context = %v, want %v", got, want)
	}
}

func TestHeaderThatIsAbsentAddsNothing(t *testing.T) {
	rules := enrich.Rules{Headers: map[string]string{"X-Region": "region"}}

	got := rules.Context(map[string]any{"region": "asked"}, http.Header{})

	if got["region"] != "asked" {
		t.Errorf("region = %v, want what the caller asked", got["region"])
	}
}

func TestZeroRulesMakeAnEmptyContextOfNothing(t *testing.T) {
	if got := (enrich.Rules{}).Context(nil, nil); got == nil || len(got) != 0 {
		t.Errorf("Context = %#v, want an empty map", got)
	}
}
