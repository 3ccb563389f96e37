package cache_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

// contextOf returns a context with a targeting key and n attributes, most of
// them text.
func contextOf(n int) map[string]any {
	ec := map[string]any{"targetingKey": "user-4711"}
	for i := range n {
		name := fmt.Sprintf("attribute-%d", i)
		switch i % 4 {
		case 0:
			ec[name] = float64(i)
		case 1:
			ec[name] = i%8 == 1
		default:
			ec[name] = fmt.Sprintf("user-%d@example.com", i)
		}
	}
	return ec
}

func BenchmarkSum(b *testing.B) {
	for _, attributes := range []int{0, 5, 30} {
		ec := contextOf(attributes)
		b.Run(fmt.Sprintf("attributes=%d", attributes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cache.Sum(ec)
			}
		})
	}
}

// An answer is about as large as one of a sidecar.
type answer struct {
	value    any
	variant  string
	reason   string
	metadata map[string]any
}

func give(a answer, keep cache.Keep) func(context.Context) (answer, cache.Keep, error) {
	return func(context.Context) (answer, cache.Keep, error) { return a, keep, nil }
}

func BenchmarkHit(b *testing.B) {
	answers := cache.New[answer](10_000)
	answers.Listen()
	yes := answer{value: true, variant: "on", reason: "STATIC"}
	for i := range 1000 {
		_, _ = answers.Ask(b.Context(), fmt.Sprintf("static-%d", i), 0, nil, give(yes, cache.Static))
		ec := contextOf(5)
		ec["targetingKey"] = fmt.Sprintf("user-%d", i)
		_, _ = answers.Ask(b.Context(), "targeted", 0, ec, give(yes, cache.ByContext))
	}
	for _, hit := range []struct {
		name, flag string
		attributes int
		keep       cache.Keep
	}{
		{"static", "static-7", 5, cache.Static},
		{"by context, 5 attributes", "targeted", 5, cache.ByContext},
		{"by context, 30 attributes", "targeted", 30, cache.ByContext},
	} {
		ec, ask := contextOf(hit.attributes), give(yes, hit.keep)
		_, _ = answers.Ask(b.Context(), hit.flag, 0, ec, ask)
		b.Run(hit.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = answers.Ask(b.Context(), hit.flag, 0, ec, ask)
			}
		})
		b.Run(hit.name+", parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				ctx := b.Context()
				for pb.Next() {
					_, _ = answers.Ask(ctx, hit.flag, 0, ec, ask)
				}
			})
		})
	}
}

func BenchmarkMiss(b *testing.B) {
	ec := contextOf(5)
	for _, miss := range []struct {
		name string
		keep cache.Keep
	}{{"not kept", cache.Never}, {"kept", cache.ByContext}} {
		b.Run(miss.name, func(b *testing.B) {
			answers := cache.New[answer](1000)
			answers.Listen()
			ask := give(answer{value: true}, miss.keep)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ec["number"] = i
				_, _ = answers.Ask(b.Context(), "targeted", 0, ec, ask)
			}
		})
	}
}

// BenchmarkDrop also keeps again what it dropped; BenchmarkMiss has what that
// costs.
func BenchmarkDrop(b *testing.B) {
	for _, entries := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("one of %d", entries), func(b *testing.B) {
			answers := cache.New[answer](entries)
			answers.Listen()
			ask := give(answer{value: true}, cache.Static)
			for i := range entries {
				_, _ = answers.Ask(b.Context(), fmt.Sprintf("flag-%d", i), 0, nil, ask)
			}
			b.ReportAllocs()
			for b.Loop() {
				answers.Drop("flag-7")
				_, _ = answers.Ask(b.Context(), "flag-7", 0, nil, ask)
			}
		})
	}
}
