package flagdoc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/flagdoc"
)

func TestYAMLIsReadAsTheSameJSON(t *testing.T) {
	doc, err := flagdoc.ParseYAML([]byte(`# a comment
$schema: https://example.com/s.json
metadata: {flagSetId: shop, version: 1.0}
flags:
  new-checkout:
    state: ENABLED
    x-unknown: [~, null, ""]
    variants: {'on': true, "off": false, on1: yes}
    defaultVariant: on
`))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, doc, parse(t, `{
		"$schema": "https://example.com/s.json",
		"metadata": {"flagSetId": "shop", "version": 1.0},
		"flags": {"new-checkout": {"state": "ENABLED", "x-unknown": [null, null, ""],
			"variants": {"on": true, "off": false, "on1": "yes"}, "defaultVariant": "on"}}
	}`))
}

func TestYAMLScalarsBecomeWhatTheyLookLike(t *testing.T) {
	for text, want := range map[string]string{
		`1.50`:                           `1.50`,
		`1e3`:                            `1e3`,
		`-0`:                             `-0`,
		`123456789012345678901234567890`: `123456789012345678901234567890`,
		`+1`:                             `1`,
		`0x10`:                           `16`,
		`0o17`:                           `15`,
		`1_000`:                          `1000`,
		`.5`:                             `0.5`,
		`True`:                           `true`,
		`yes`:                            `"yes"`,
		`off`:                            `"off"`,
		`y`:                              `"y"`,
		`2024-01-01`:                     `"2024-01-01"`,
		`2024-01-01T00:00:00Z`:           `"2024-01-01T00:00:00Z"`,
		`"1"`:                            `"1"`,
		`'true'`:                         `"true"`,
		`!!str 5`:                        `"5"`,
		`!!int "5"`:                      `5`,
		`100%`:                           `"100%"`,
		`<b>`:                            `"<b>"`,
		`~`:                              `null`,
		``:                               `null`,
		`[a, {b: c}]`:                    `["a",{"b":"c"}]`,
		`{1: a, true: b, ~: c, 1.0: d}`:  `{"1":"a","true":"b","null":"c","1.0":"d"}`,
		"|\n    two\n    lines":          `"two\nlines\n"`,
	} {
		doc, err := flagdoc.ParseYAML([]byte("flags:\n  f: " + text + "\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(doc.Flags[0].Body); got != want {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
	}
}

func TestYAMLAnchorsAndMergesAreResolved(t *testing.T) {
	doc, err := flagdoc.ParseYAML([]byte(`
x-on: &on {state: ENABLED, n: 1}
x-off: &off
  state: DISABLED
  m: &m [1, 2]
flags:
  one: *on
  two: {<<: *on, n: 2, m: *m}
  three:
    z: 1
    <<: [*on, *off]
  "<<": {"<<": kept}
  &k five: &five {*k : 1}
  six: {<<: {a: 1, b: {<<: *on}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, doc, flagdoc.Document{
		Settings: []byte(`{"x-on":{"state":"ENABLED","n":1},"x-off":{"state":"DISABLED","m":[1,2]}}`),
		Flags: flags(
			"<<", `{"<<":"kept"}`,
			"five", `{"five":1}`,
			"one", `{"state":"ENABLED","n":1}`,
			"six", `{"a":1,"b":{"state":"ENABLED","n":1}}`,
			"three", `{"z":1,"state":"ENABLED","n":1,"m":[1,2]}`,
			"two", `{"n":2,"m":[1,2],"state":"ENABLED"}`,
		),
	})
}

func TestWhatYAMLCannotSayInJSONIsRefusedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		``:                             `the document is empty; it must be an object with a member "flags"`,
		"# nothing\n":                  `the document is empty; it must be an object with a member "flags"`,
		"- a\n":                        `the document is an array; it must be an object with a member "flags"`,
		"a: b\n":                       `the document has no member "flags"`,
		"flags: {}\n---\nflags: {}\n":  `line 2: a second document begins; flags are read from one`,
		"flags:\n  a: .inf\n":          `line 2: JSON has no number .inf`,
		"flags:\n  a: [-.Inf]\n":       `line 2: JSON has no number -.Inf`,
		"flags:\n  a:\n    b: .nan\n":  `line 3: JSON has no number .nan`,
		"flags:\n  a: !!binary YQ==\n": `line 2: JSON has nothing for the tag !!binary`,
		"flags:\n  a: !ours b\n":       `line 2: JSON has nothing for the tag !ours`,
		"flags:\n  a: !!int b\n":       `line 2: "b" is not what its tag !!int says`,
		"flags:\n  a: {}\n  a: {}\n":   `line 3: the key "a" is already given on line 2`,
		"flags:\n  1: {}\n  '1': {}\n": `line 3: the key "1" is already given on line 2`,
		"flags:\n  [a]: {}\n":          `line 2: a key must be a scalar`,
		"flags:\n  a: &a [*a]\n":       `line 2: the anchor "a" contains itself`,
		"flags: &f\n  <<: *f\n":        `line 1: this mapping is merged into itself`,
		"flags:\n  <<: 7\n":            `line 2: only mappings can be merged with <<`,
		"flags: [\n":                   `not YAML: line 1: did not find expected node content`,
		"flags: *a\n":                  `not YAML: unknown anchor 'a' referenced`,
	} {
		if _, err := flagdoc.ParseYAML([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("ParseYAML(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestYAMLBombsAreDefused(t *testing.T) {
	for name, level := range map[string]string{
		"aliases":       "x%[1]d: &x%[1]d [*x%[2]d, *x%[2]d, *x%[2]d, *x%[2]d]\n",
		"merges":        "x%[1]d: &x%[1]d {<<: [*x%[2]d, *x%[2]d]}\n",
		"merged values": "x%[1]d: &x%[1]d {a: {<<: *x%[2]d}, b: {<<: *x%[2]d}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			fmt.Fprintf(&text, "x0: &x0 {s: %s}\n", strings.Repeat("s", 100_000))
			for i := range 60 {
				fmt.Fprintf(&text, level, i+1, i)
			}
			text.WriteString("flags: {}\n")
			_, err := flagdoc.ParseYAML([]byte(text.String()))
			if err == nil || !strings.Contains(err.Error(), "expand to more than 16 MiB") {
				t.Errorf("ParseYAML of a bomb = %v, want that it expands to too much", err)
			}
		})
	}
}

func TestTooDeepIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"x.json":     `{"flags":{"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}}`,
		"x.yaml":     `flags: {a: ` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		"merge.yaml": "flags: &f\n  a: {<<: *f}\n",
	} {
		if _, err := flagdoc.ParseFile(name, []byte(text)); err == nil {
			t.Errorf("%s: nested too deep, and not refused", name)
		}
	}
}

func FuzzParseYAML(f *testing.F) {
	for _, text := range []string{
		"flags: {a: {n: 0x1F}}",
		"x: &x {a: 1}\nflags: {a: {<<: *x}, b: *x}",
		"flags:\n- key: a\n  at: 2024-01-01\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := flagdoc.ParseYAML(text)
		if err != nil {
			return
		}
		again, err := flagdoc.Parse(flagdoc.Format(doc))
		if err != nil {
			t.Fatalf("Format wrote what Parse refuses: %v", err)
		}
		equal(t, again, doc)
	})
}
