package lint_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/lint"
)

func BenchmarkDocument(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		document := []byte(manyFlags(n))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			for b.Loop() {
				if found := lint.Document(document); found != nil {
					b.Fatal(told(found))
				}
			}
		})
	}
}

func BenchmarkSpelling(b *testing.B) {
	document := []byte(manyFlags(10_000))
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if found := lint.Spelling(document); found != nil {
			b.Fatal(told(found))
		}
	}
}

func BenchmarkFlag(b *testing.B) {
	const definition = `{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
		"targeting": {"if": [{"$ref": "staff"}, "on", {"fractional": [["on", 10], ["off", 90]]}]}}`
	const settings = `{"metadata": {"flagSetId": "shop"},
		"$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@example.com"]}}}`
	b.ReportAllocs()
	for b.Loop() {
		if found := lint.Flag("new-checkout", []byte(definition), []byte(settings)); found != nil {
			b.Fatal(told(found))
		}
	}
}

// manyFlags is a document of flags of about 285 bytes, no two alike.
func manyFlags(n int) string {
	flags := make([]string, n)
	for i := range flags {
		rule := fmt.Sprintf(`{"fractional":[{"var":"account%d"},["on",%d],["off",%d]]}`, i%97, i%100, 100-i%100)
		if i%2 == 0 {
			rule = fmt.Sprintf(`{"if":[{"ends_with":[{"var":"email"},"@team%d.example.com"]},"on","off"]}`, i)
		}
		flags[i] = fmt.Sprintf(`"flag-%05d":{"state":"ENABLED","variants":{"on":"colour-%d","off":"colour-%d"},"defaultVariant":"off",`+
			`"targeting":%s,"metadata":{"owner":"team-%d"},"description":"What flag number %05d is for, in words","tags":["t%d"]}`,
			i, i, i+1, rule, i%31, i, i)
	}
	return `{"flags":{` + strings.Join(flags, ",\n") + `}}`
}
