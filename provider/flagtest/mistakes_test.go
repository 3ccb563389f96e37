package flagtest_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/provider/flagtest"
)

func TestMistakesFailTheTestAndNameThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(*flagtest.Flags)
		want string
	}{
		{"operator", func(f *flagtest.Flags) {
			f.SetJSON("banner", `{"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "targeting": {"if": [{"plus": [1]}, "a"]}}`)
		}, `flag "banner": /targeting/if/0/plus: unknown operator "plus"`},
		{"variant", func(f *flagtest.Flags) {
			f.SetJSON("banner", `{"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "b"}`)
		}, `flag "banner": /defaultVariant: `},
		{"no JSON", func(f *flagtest.Flags) { f.SetJSON("banner", "{\n\"state\": oops}") }, `flag "banner": line 2: `},
		{"no object", func(f *flagtest.Flags) { f.SetJSON("banner", `[]`) }, `flag "banner": `},
		{"document", func(f *flagtest.Flags) { f.Load("testdata/broken.json") }, `testdata/broken.json: flag "broken": /targeting/if/0/plus: `},
		{"file", func(f *flagtest.Flags) { f.Load("testdata/absent.json") }, `load flags: open testdata/absent.json`},
		{"notation", func(f *flagtest.Flags) { f.Load("flagtest_test.go") }, `flagtest_test.go`},
		{"nil", func(f *flagtest.Flags) { f.Set("a", nil) }, `flag "a": its value is null: a flag is a bool, a string, a number or an object`},
		{"list", func(f *flagtest.Flags) { f.Set("a", []int{1}) }, `flag "a": its value is [1]: `},
		{"function", func(f *flagtest.Flags) { f.Set("a", func() {}) }, `flag "a": its value: `},
		{"large", func(f *flagtest.Flags) { f.Set("a", int64(1)<<53+1) }, `flag "a": its value is 9007199254740993: flags hold whole numbers up to 2^53`},
		{"unknown", func(f *flagtest.Flags) { f.Disable("a") }, `flag "a": it is not set, so it cannot be disabled`},
		{"code", func(f *flagtest.Flags) { f.Fail("a", "OOPS") }, `flag "a": there is no error code "OOPS"; there are `},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			failed := &failure{TB: t}
			c.make(flagtest.New(failed))
			if !strings.Contains(failed.text, c.want) {
				t.Errorf("the test fails with %q, want %q", failed.text, c.want)
			}
		})
	}
}
