package manage_test

import (
	"testing"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

func TestSecretsInAddressesAreNotShown(t *testing.T) {
	for name, want := range map[string]string{
		"flags.json?x":                     "flags.json?x",
		"https://h/flags.json":             "https://h/flags.json",
		"https://h/flags.json?":            "https://h/flags.json?",
		"https://h/flags.json?sig=secret":  "https://h/flags.json?…",
		"http://h/flags.json?sig=secret#2": "http://h/flags.json?…#2",
		"nats://h:4222/prod":               "nats://h:4222/prod",
	} {
		if got := manage.Shown(name); got != want {
			t.Errorf("%s is shown as %s, want %s", name, got, want)
		}
	}
}

func TestSourcesThatLookAlikeAreMeasuredApart(t *testing.T) {
	st := store.New()
	st.Add("https://h/flags.json?sig=one")
	st.Add("https://h/flags.json?sig=two")
	families, err := manage.New(st, tally.New(), manage.Identity{}, time.Minute).Gatherer().Gather()
	if err != nil {
		t.Fatalf("gather the metrics: %v", err)
	}
	for _, family := range families {
		if family.GetName() == "flagline_source_connected" && len(family.GetMetric()) != 2 {
			t.Errorf("of two sources there are %d metrics", len(family.GetMetric()))
		}
	}
}
