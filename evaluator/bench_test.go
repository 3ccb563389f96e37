package evaluator_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		document := []byte(manyFlags(n))
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := evaluator.Compile(document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompileFlag(b *testing.B) {
	definition := []byte(`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "metadata": {"owner": "team-a"},
		"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, {"fractional": [["on", 50], ["off", 50]]}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := evaluator.CompileFlag("flag-7", definition, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplyOneChange(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		set := compile(b, manyFlags(n))
		changed := flag(b, "flag-7", "y")
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.With(nil, []*evaluator.Flag{changed}, nil)
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	set := compile(b, manyFlags(1_000))
	ec := evaluator.Context{"targetingKey": "user-7", "email": "ada@example.com"}
	b.ReportAllocs()
	for b.Loop() {
		set.Evaluate("flag-7", ec)
	}
}

func manyFlags(n int) string {
	flags := make([]string, n)
	for i := range flags {
		flags[i] = fmt.Sprintf(`"flag-%d": {"state": "ENABLED", "variants": {"on": true, "off": false},
			"defaultVariant": "off", "metadata": {"owner": "team-a"}, "description": "flag number %d",
			"targeting": {"if": [{"ends_with": [{"var": "email"}, "@example.com"]}, {"fractional": [["on", 50], ["off", 50]]}]}}`, i, i)
	}
	return `{"flags": {` + strings.Join(flags, ",\n") + `}}`
}
