package lint_test

import (
	"fmt"

	"github.com/flagline/flagline/evaluator/lint"
)

func ExampleDocument() {
	for _, f := range lint.Document([]byte(`{
		"flags": {
			"banner": {"state": "on", "variants": {"green": 1, "red": 2}, "defaultVariant": "blue"}
		}
	}`)) {
		fmt.Printf("%s %s\n  %s\n", f.Severity, f.Pointer, f.Message)
	}
	// Output:
	// error /flags/banner/defaultVariant
	//   there is no variant "blue"; there are "green" and "red"
	// error /flags/banner/state
	//   is "on", want "ENABLED" or "DISABLED"
}
