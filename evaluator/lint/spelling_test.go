package lint_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/lint"
)

func TestWhatWouldBeLostWithoutAWordIsFound(t *testing.T) {
	for text, want := range map[string]string{
		`{"flags":{"x":{},"y":{},"x":{}}}`:                  "/flags/x duplicate_member",
		`{"flags":{"x":{"state":"a","state":"b"}}}`:         "/flags/x/state duplicate_member",
		`{"flags":{"x":{"a":[{},{"b/c":1,"b/c":2}]}}}`:      "/flags/x/a/1/b~1c duplicate_member",
		"{\"flags\":{\"q\xff\":{}}}":                        " not_utf8",
		strings.Repeat("[", 257) + strings.Repeat("]", 257): strings.Repeat("/0", 256) + " too_deep",
	} {
		found := lint.Spelling([]byte(text))
		if len(found) != 1 || found[0].Pointer+" "+string(found[0].Code) != want {
			t.Errorf("%.60s: %+v, want %s", text, found, want)
		}
		if all := lint.Document([]byte(text)); len(all) == 0 || all[0].Severity != lint.SeverityError {
			t.Errorf("%.60s: Document finds %+v", text, all)
		}
	}
	for _, text := range []string{
		`{"a":{"x":1},"b":{"x":1}}`, `[{"x":1},{"x":2}]`, `1`, ``, `{"a":`, `{"a" 1}`, "\"\ufffd\"",
		strings.Repeat("[", 256) + strings.Repeat("]", 256),
	} {
		if found := lint.Spelling([]byte(text)); found != nil {
			t.Errorf("%.60s: %+v, want nothing", text, found)
		}
	}
}
