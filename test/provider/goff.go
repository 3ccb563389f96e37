package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	goff "github.com/open-feature/go-sdk-contrib/providers/go-feature-flag-in-process/pkg"
	"github.com/open-feature/go-sdk/openfeature"
	ffclient "github.com/thomaspoignant/go-feature-flag"

	"github.com/flagline/flagline/test/compare/workload"
)

// memory hands GO Feature Flag its flags.
type memory []byte

// Retrieve returns all flags.
func (m memory) Retrieve(context.Context) ([]byte, error) { return m, nil }

// newGOFF is GO Feature Flag's provider with the two flags that are asked for,
// without an exporter of events. It looks for changes seldom.
func newGOFF() (openfeature.FeatureProvider, error) {
	flags := make(map[string]any)
	for _, f := range []workload.Flag{static, endswith} {
		flags[f.Key] = goffFlag(f)
	}
	document, err := json.Marshal(flags)
	if err != nil {
		return nil, err
	}
	p, err := goff.NewProvider(goff.ProviderOptions{GOFeatureFlagConfig: &ffclient.Config{
		Retriever: memory(document), FileFormat: "json", PollingInterval: time.Hour,
	}})
	return p, err
}

// goffFlag writes f as GO Feature Flag has it.
func goffFlag(f workload.Flag) map[string]any {
	variations := make(map[string]any)
	for _, v := range f.Variants {
		variations[v] = f.Value(v)
	}
	var rules []any
	for _, r := range f.Rules {
		rules = append(rules, map[string]any{
			"query":     fmt.Sprintf("(%s ew %q)", r.When.Attribute, r.When.Values[0]),
			"variation": r.Variant,
		})
	}
	return map[string]any{
		"variations": variations, "targeting": rules,
		"defaultRule": map[string]any{"variation": f.Default},
	}
}
