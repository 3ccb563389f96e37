package evaluator_test

import (
	"fmt"

	"github.com/flagline/flagline/evaluator"
)

func Example() {
	set, err := evaluator.Compile([]byte(`{
		"flags": {
			"new-checkout": {
				"state": "ENABLED",
				"variants": {"on": true, "off": false},
				"defaultVariant": "off",
				"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, "on"]}
			}
		}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	ada := set.Evaluate("new-checkout", evaluator.Context{"targetingKey": "user-7", "email": "ada@example.com"})
	bob := set.Evaluate("new-checkout", evaluator.Context{"targetingKey": "user-8"})
	fmt.Println(ada.Value, ada.Variant, ada.Reason)
	fmt.Println(bob.Value, bob.Variant, bob.Reason)
	// Output:
	// true on TARGETING_MATCH
	// false off DEFAULT
}

func ExampleCompile_mistakes() {
	_, err := evaluator.Compile([]byte(`{
		"flags": {
			"banner": {"variants": {"green": 1, "red": 2}, "defaultVariant": "blue"},
			"new-checkout": {"variants": {"on": true}, "targeting": {"if": [{"plus": [1, 1]}, "on"]}}
		}
	}`))
	fmt.Println(err)
	// Output:
	// /flags/banner/defaultVariant: there is no variant "blue"; there are "green" and "red"
	// /flags/new-checkout/targeting/if/0/plus: unknown operator "plus"
}

func ExampleFlagSet_With() {
	var set *evaluator.FlagSet // an empty one
	for _, variant := range []string{"off", "on"} {
		f, err := evaluator.CompileFlag("kill-switch", []byte(`{
			"variants": {"on": true, "off": false},
			"defaultVariant": "`+variant+`"
		}`), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		next := set.With(nil, []*evaluator.Flag{f}, nil)
		for key, change := range set.Diff(next) {
			fmt.Println(change, key, next.Evaluate(key, nil).Value)
		}
		set = next
	}
	// Output:
	// write kill-switch false
	// update kill-switch true
}
