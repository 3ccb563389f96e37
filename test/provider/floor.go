package main

import (
	"context"
	"strings"

	"github.com/open-feature/go-sdk/openfeature"
)

// A constantProvider knows two answers and looks at nothing: what the SDK costs
// with a provider that costs nothing.
type constantProvider struct{ openfeature.NoopProvider }

// BooleanEvaluation always answers for who matches.
func (constantProvider) BooleanEvaluation(context.Context, string, bool, openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return openfeature.BoolResolutionDetail{
		Value:                    wantStatic,
		ProviderResolutionDetail: openfeature.ProviderResolutionDetail{Reason: openfeature.StaticReason, Variant: "on"},
	}
}

// StringEvaluation always answers for who matches.
func (constantProvider) StringEvaluation(context.Context, string, string, openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return openfeature.StringResolutionDetail{
		Value:                    wantEndswith,
		ProviderResolutionDetail: openfeature.ProviderResolutionDetail{Reason: openfeature.TargetingMatchReason, Variant: "on"},
	}
}

// byHand is what one would write instead of the two flags.
func byHand() *way {
	return direct(goByHand,
		func(map[string]any) bool { return wantStatic },
		func(ec map[string]any) string {
			if email, _ := ec["email"].(string); strings.HasSuffix(email, "@faas.com") {
				return wantEndswith
			}
			return missEndswith
		})
}
