package evaluator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

// Whatever a flag usually asks is answered without a word to the garbage
// collector, whichever answer it is.
func TestEvaluatingDoesNotAllocate(t *testing.T) {
	chain := func(n int, condition func(i int) string) string {
		var b strings.Builder
		b.WriteString(`{"if":[`)
		for i := range n {
			fmt.Fprintf(&b, `%s,"v%d",`, condition(i), i%4)
		}
		return b.String() + `null]}`
	}
	rules := map[string]string{
		"static":    ``,
		"ends_with": `{"if":[{"ends_with":[{"var":"email"},"@faas.com"]},"v1","v2"]}`,
		"chain10": chain(10, func(i int) string {
			return fmt.Sprintf(`{"and":[{"in":[{"var":"country"},["DE","c%d"]]},{"==":[{"var":"plan"},"pro"]},{"sem_ver":[{"var":"version"},">=","%d.0.0"]}]}`, i, 12-i)
		}),
		"chain100":  chain(100, func(i int) string { return fmt.Sprintf(`{"==":[{"var":"country"},"c%d"]}`, i) }),
		"frac2":     `{"fractional":[["v0",50],["v1",50]]}`,
		"frac4":     `{"fractional":[["v0",25],["v1",25],["v2",25],["v3",25]]}`,
		"frac by":   `{"fractional":[{"var":"email"},["v0",50],["v1",50]]}`,
		"frac cat":  `{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"email"}]},["v0",50],["v1",50]]}`,
		"nested20":  `{"if":[{"or":[` + strings.TrimSuffix(strings.Repeat(`{"and":[{"==":[{"var":"plan"},"pro"]},{"ends_with":[{"var":"email"},"@x.com"]},{"in":[{"var":"country"},["c1","c2"]]},{"<":[{"var":"age"},18]}]},`, 5), ",") + `]},"v1","v2"]}`,
		"truth":     `{"if":[{"!":{"var":"beta"}},"v1",{"!!":[{"var":"email"}]},"v2"]}`,
		"numbers":   `{"if":[{">":[{"var":"age"},17.5]},"v1",{"<=":[{"var":"age"},"12"]},"v2"]}`,
		"path":      `{"if":[{"==":[{"var":"user.plan"},"pro"]},"v1",{"==":[{"var":["missing","x"]},"x"]},"v2"]}`,
		"by name":   `{"var":"variant"}`,
		"a boolean": `{"==":[{"var":"plan"},"pro"]}`,
		"minor":     `{"if":[{"sem_ver":[{"var":"version"},"~","3.4"]},"v1",{"sem_ver":[{"var":"version"},"^","3"]},"v2"]}`,
	}
	contexts := map[string]evaluator.Context{
		"full": {
			"targetingKey": "user-77", "email": "ada@faas.com", "country": "c99", "plan": "pro", "version": "3.4.5-rc.1",
			"age": 17, "beta": true, "user": map[string]any{"plan": "pro"}, "variant": "v3",
		},
		"other":   {"targetingKey": "u", "email": "bob@x.com", "country": "c1", "plan": "free", "version": "1.0", "age": 21.5, "variant": "v1"},
		"missing": {},
		"mixed":   {"targetingKey": 5.0, "email": 1.0, "country": true, "plan": nil, "version": true, "age": "20", "variant": nil},
	}
	for name, rule := range rules {
		if rule != "" {
			rule = `,"targeting":` + rule
		}
		set := compile(t, `{"flags":{"f":{"variants":{"v0":true,"v1":"x","v2":1,"v3":{"a":1},"true":1,"false":2},"defaultVariant":"v0"`+rule+`}}}`)
		for who, ec := range contexts {
			if r := set.Evaluate("f", ec); r.Err != nil {
				continue // errors may cost something
			}
			if n := testing.AllocsPerRun(100, func() { set.Evaluate("f", ec) }); n != 0 {
				t.Errorf("%s for the %s context allocates %v times, want 0", name, who, n)
			}
		}
	}
}
