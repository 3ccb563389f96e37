package evaluator_test

import (
	"fmt"
	"time"

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

func ExampleFlag_EvaluateAt() {
	f, err := evaluator.CompileFlag("sale", []byte(`{
		"variants": {"on": true, "off": false},
		"defaultVariant": "off",
		"targeting": {"if": [{">=": [{"var": "$flagd.timestamp"}, 1800000000]}, "on"]}
	}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	begin := time.Unix(1_800_000_000, 0)
	fmt.Println(f.EvaluateAt(nil, begin.Add(-time.Second)).Value, f.EvaluateAt(nil, begin).Value)
	// Output:
	// false true
}

func ExampleResolution_Int() {
	set, err := evaluator.Compile([]byte(`{"flags": {
		"limit": {"variants": {"low": 10}, "defaultVariant": "low"},
		"paused": {"state": "DISABLED", "variants": {"low": 10}, "defaultVariant": "low"}
	}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"limit", "paused", "limits"} {
		limit, ok, err := set.Evaluate(key, nil).Int()
		switch {
		case err != nil:
			fmt.Println(err.Code)
		case !ok:
			fmt.Println("the caller's own default")
		default:
			fmt.Println(limit)
		}
	}
	// Output:
	// 10
	// the caller's own default
	// FLAG_NOT_FOUND
}

func ExampleCompileSettings() {
	settings, err := evaluator.CompileSettings("shop", []byte(`{
		"metadata": {"owner": "team-shop"},
		"$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@example.com"]}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := evaluator.CompileFlag("beta", []byte(`{
		"variants": {"on": true, "off": false},
		"defaultVariant": "off",
		"targeting": {"if": [{"$ref": "staff"}, "on"]}
	}`), settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := f.Evaluate(evaluator.Context{"email": "ada@example.com"})
	fmt.Println(r.Value, r.Metadata["owner"], r.Metadata["flagSetId"])
	// Output:
	// true team-shop shop
}
