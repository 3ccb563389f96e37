package flagtest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider/flagtest"
)

// A Shop is what an application might be.
type Shop struct{ flags *openfeature.Client }

// Checkout says how the customer checks out.
func (s *Shop) Checkout(ctx context.Context, customer, country string) string {
	ec := openfeature.NewEvaluationContext(customer, map[string]any{"country": country})
	if s.flags.Boolean(ctx, "new-checkout", false, ec) {
		return "in one step"
	}
	return "in three steps"
}

// A real test; the examples below run without the command go test.
func TestNewCheckout(t *testing.T) {
	t.Parallel()
	flags := flagtest.New(t)
	flags.Set("new-checkout", true)

	shop := &Shop{flags: flags.Client()}
	if got := shop.Checkout(t.Context(), "ada", "fr"); got != "in one step" {
		t.Errorf("ada checks out %s", got)
	}
}

// A test gives the code under test a client, and sets what it needs.
func Example() {
	test(func(t flagtest.TB) {
		flags := flagtest.New(t)
		shop := &Shop{flags: flags.Client()}

		fmt.Println("unknown: ", shop.Checkout(t.Context(), "ada", "fr"))
		flags.Set("new-checkout", true)
		fmt.Println("set:     ", shop.Checkout(t.Context(), "ada", "fr"))
		flags.Disable("new-checkout")
		fmt.Println("disabled:", shop.Checkout(t.Context(), "ada", "fr"))
	})
	// Output:
	// unknown:  in three steps
	// set:      in one step
	// disabled: in three steps
}

// Most applications use the global API. Their tests hand on the flags in the
// context.
func ExampleFlags_Context() {
	shop := &Shop{flags: openfeature.NewClient("shop")} // of the global API
	test(func(t flagtest.TB) {
		flags := flagtest.New(t)
		flags.Set("new-checkout", true)
		ctx := flags.Context(t.Context())
		fmt.Println(shop.Checkout(ctx, "ada", "fr"))
	})
	// Output: in one step
}

// A flag of a test may have rules, as in production.
func ExampleFlags_SetJSON() {
	test(func(t flagtest.TB) {
		flags := flagtest.New(t)
		flags.SetJSON("new-checkout", `{
			"state": "ENABLED",
			"variants": {"on": true, "off": false},
			"defaultVariant": "off",
			"targeting": {"if": [{"==": [{"var": "country"}, "fr"]}, "on", null]}
		}`)
		shop := &Shop{flags: flags.Client()}
		fmt.Println("fr:", shop.Checkout(t.Context(), "ada", "fr"))
		fmt.Println("de:", shop.Checkout(t.Context(), "ada", "de"))
	})
	// Output:
	// fr: in one step
	// de: in three steps
}

// What the code under test asked is there to be looked at.
func ExampleFlags_Asked() {
	test(func(t flagtest.TB) {
		flags := flagtest.New(t)
		(&Shop{flags: flags.Client()}).Checkout(t.Context(), "ada", "fr")
		for _, q := range flags.Asked("new-checkout") {
			fmt.Println(q.Context["targetingKey"], q.Context["country"], q.Default, q.Detail.ErrorCode)
		}
	})
	// Output: ada fr false FLAG_NOT_FOUND
}
