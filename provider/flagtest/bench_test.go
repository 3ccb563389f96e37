package flagtest_test

import (
	"testing"

	"github.com/flagline/flagline/provider/flagtest"
)

// What a test pays for flags of its own.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		test(func(t flagtest.TB) { flagtest.New(t).Set("new-checkout", true) })
	}
}

func BenchmarkSet(b *testing.B) {
	flags := flagtest.New(b)
	on := false
	b.ReportAllocs()
	for b.Loop() {
		on = !on
		flags.Set("new-checkout", on)
	}
}

func BenchmarkAsk(b *testing.B) {
	flags := flagtest.New(b)
	flags.Set("new-checkout", true)
	client := flags.Client()
	b.ReportAllocs()
	for b.Loop() {
		client.Boolean(b.Context(), "new-checkout", false, nobody)
	}
}
