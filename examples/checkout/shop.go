package main

import (
	"encoding/json"
	"net/http"

	"github.com/open-feature/go-sdk/openfeature"
)

// A decision is what the shop does and why, for whoever wants to know.
type decision struct {
	Value   any                   `json:"value"`
	Variant string                `json:"variant,omitempty"`
	Reason  openfeature.Reason    `json:"reason"`
	Error   openfeature.ErrorCode `json:"error,omitempty"`
}

func decided[T any](d openfeature.GenericEvaluationDetails[T], _ error) decision {
	return decision{Value: d.Value, Variant: d.Variant, Reason: d.Reason, Error: d.ErrorCode}
}

// shop serves one page: what the flags say about who asks. The second
// argument of each question is what the shop does without any flags.
func shop(flags *openfeature.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		ctx, q := r.Context(), r.URL.Query()
		who := openfeature.NewEvaluationContext(q.Get("user"), map[string]any{
			"country": q.Get("country"),
			"email":   q.Get("email"),
		})
		w.Header().Set("Content-Type", "application/json")
		page := json.NewEncoder(w)
		page.SetIndent("", "  ")
		_ = page.Encode(map[string]decision{ // the visitor may have left
			"new-checkout":       decided(flags.BooleanValueDetails(ctx, "new-checkout", false, who)),
			"banner":             decided(flags.StringValueDetails(ctx, "banner", "Hello", who)),
			"checkout-algorithm": decided(flags.StringValueDetails(ctx, "checkout-algorithm", "classic", who)),
			"max-items":          decided(flags.IntValueDetails(ctx, "max-items", 10, who)),
			"pricing":            decided(flags.ObjectValueDetails(ctx, "pricing", map[string]any{}, who)),
			"vip-support":        decided(flags.BooleanValueDetails(ctx, "vip-support", false, who)),
		})
	})
	return mux
}
