package lint_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/lint"
)

// These documents are made to cost whoever reads them. None asserts a time:
// if it took the square of their length, the test would not end.
func TestWhatIsMadeToCostIsCriticisedInTime(t *testing.T) {
	const n = 100_000
	twice := func(pointer, name string) string {
		return fmt.Sprintf("error duplicate_member %s: %q stands here twice, and only one of them can count\n", pointer, name)
	}
	for name, c := range map[string]struct{ document, want string }{
		"members in data":          {ruled(`{"in":[1,{` + members(n) + `}]}`), ""},
		"one of them twice":        {ruled(`{"in":[1,{` + members(n) + `,"m7":1}]}`), twice("/flags/f/targeting/in/1/m7", "m7")},
		"one of them in disguise":  {ruled(`{"in":[1,{` + members(n) + `,"\u006d7":1}]}`), twice("/flags/f/targeting/in/1/m7", "m7")},
		"members beside the flags": {`{` + members(n) + `,"flags":{},"m7":1}`, twice("/m7", "m7")},
		"metadata":                 {`{"flags":{},"metadata":{` + members(n) + `}}`, ""},
		"numbers":                  {ruled(`{"in":[1,[` + repeat(n, "1") + `]]}`), ""},
		"arguments":                {ruled(`{"if":[` + repeat(n, `"on"`) + `]}`), ""},
		"digits": {
			ruled(strings.Repeat("9", n)),
			"error not_json : is not JSON: line 1, column 100065: number " + strings.Repeat("9", n) + " is out of range\n",
		},
		"nested arrays":  {strings.Repeat("[", n), "error too_deep " + strings.Repeat("/0", lint.MaxDepth) + ": nested more than 256 deep\n"},
		"nested objects": {strings.Repeat(`{"a":`, n), "error too_deep " + strings.Repeat("/a", lint.MaxDepth) + ": nested more than 256 deep\n"},
		"nested calls":   {ruled(strings.Repeat(`{"!":`, 252) + "1" + strings.Repeat("}", 252)), ""},
		"one call more": {
			ruled(strings.Repeat(`{"!":`, 254) + "1" + strings.Repeat("}", 254)),
			"error too_deep /flags/f/targeting" + strings.Repeat("/!", 253) + ": nested more than 256 deep\n",
		},
		"variants": {
			`{"flags":{"f":{"state":"ENABLED","variants":{` + members(n) + `},"targeting":{"if":[true,` + names(n) + `,"m0"]}}}}`, "",
		},
		"a circle that all lead to": {
			`{"flags":{},"$evaluators":{"e0":{"$ref":"e0"}` + chain(10_000) + `}}`,
			"error ref_cycle /$evaluators/e0/$ref: the evaluators refer to each other in a circle: e0 -> e0\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := told(lint.Document([]byte(c.document))); got != c.want {
				t.Errorf("Document finds\n%.200s\nwant\n%.200s", got, c.want)
			}
		})
	}
}

// A pointer is as long as the names that it passes. Were there one for every
// value below a long name, their length would be the square of the document's.
func TestPointersAreMadeOnlyForFindings(t *testing.T) {
	long := strings.Repeat("k", 100_000)
	for name, document := range map[string]string{
		"right":   `{"flags":{"` + long + `":` + flagOf(`{"and":[`+repeat(20_000, `{"!":1}`)+`]}`) + `}}`,
		"twice":   `{"flags":{"` + long + `":` + flagOf(`{"and":[`+repeat(20_000, `{"!":1}`)+`]}`) + `},"a":1,"a":1}`,
		"cut off": `{"` + long + `":[` + repeat(50_000, `1`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		lint.Spelling([]byte(document))
		lint.Skim([]byte(document))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 100*uint64(len(document)) {
			t.Errorf("%s: a document of %d bytes takes %d, want at most a hundred times as many", name, len(document), took)
		}
	}
}

func ruled(rule string) string { return `{"flags":{"f":` + flagOf(rule) + `}}` }

func flagOf(rule string) string {
	return `{"state":"ENABLED","variants":{"on":1},"targeting":` + rule + `}`
}

func repeat(n int, element string) string {
	return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
}

// members are n of an object, in no order.
func members(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"m%d":1`, i*7919%n)
	}
	return strings.Join(list, ",")
}

// names are those of members, every other of them as a condition.
func names(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"m%d"`, i)
	}
	return strings.Join(list, ",")
}

// chain are n evaluators, each of which refers to the one before.
func chain(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"e%d":{"!":[{"$ref":"e%d"}]}`, i+1, i)
	}
	return text.String()
}
