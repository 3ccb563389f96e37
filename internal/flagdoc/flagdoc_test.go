package flagdoc_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

func TestParseKeepsOrderSpellingAndUnknownProperties(t *testing.T) {
	doc := parse(t, `{
		"$schema": "https://example.com/s.json",
		"metadata": {"version": 1.0, "flagSetId": "shop"},
		"x-team": "<payments> & co",
		"flags": {
			"b": {"variants": {"z": 1.50, "a": 1e3, "m": -0}, "description": "caf\u00e9", "state": "ENABLED"},
			"a": {}
		},
		"$evaluators": {"e": {"var": []}}
	}`)
	want := flagdoc.Document{
		Set: "shop",
		Settings: []byte(`{"$schema":"https://example.com/s.json","metadata":{"version":1.0,"flagSetId":"shop"},` +
			`"x-team":"<payments> & co","$evaluators":{"e":{"var":[]}}}`),
		Flags: []flagdoc.Flag{
			{Key: "a", Body: []byte(`{}`)},
			{Key: "b", Body: []byte(`{"variants":{"z":1.50,"a":1e3,"m":-0},"description":"caf\u00e9","state":"ENABLED"}`)},
		},
	}
	equal(t, doc, want)
}

func TestParseReadsWhatIsUnusual(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want flagdoc.Document
	}{
		"no flags at all":             {`{"flags":{}}`, flagdoc.Document{}},
		"no flags in an array":        {`{"flags":[]}`, flagdoc.Document{}},
		"a byte order mark":           {"\ufeff" + `{"flags":{}}`, flagdoc.Document{}},
		"a set name that is a number": {`{"metadata":{"flagSetId":7},"flags":{}}`, flagdoc.Document{Settings: []byte(`{"metadata":{"flagSetId":7}}`)}},
		"metadata of the wrong kind":  {`{"metadata":"x","flags":{}}`, flagdoc.Document{Settings: []byte(`{"metadata":"x"}`)}},
		"an escaped member name":      {`{"fl\u0061gs":{"\u0061":{}}}`, flagdoc.Document{Flags: flags("a", `{}`)}},
		"the same key twice":          {`{"flags":{"a":{"n":1},"b":{},"a":{"n":2}}}`, flagdoc.Document{Flags: flags("a", `{"n":2}`, "b", `{}`)}},
		"the same member twice": {
			`{"x":1,"flags":{"a":{}},"y":2,"x":3,"flags":{"b":{}}}`,
			flagdoc.Document{Settings: []byte(`{"x":3,"y":2}`), Flags: flags("b", `{}`)},
		},
		"an array": {
			`{"flags":[{"state":"ENABLED","key":"b","n":1.0},{"key":"a"},{"key":"b","n":2}]}`,
			flagdoc.Document{Flags: flags("a", `{}`, "b", `{"n":2}`)},
		},
		"a flag of the wrong shape":  {`{"flags":{"a":7,"b":null}}`, flagdoc.Document{Flags: flags("a", `7`, "b", `null`)}},
		"brackets inside of strings": {`{"flags":{"}":{"x":"]}\\\"{","y":[{"z":["}"]}]}}}`, flagdoc.Document{Flags: flags("}", `{"x":"]}\\\"{","y":[{"z":["}"]}]}`)}},
	} {
		t.Run(name, func(t *testing.T) { equal(t, parse(t, test.text), test.want) })
	}
}

func TestWhatIsNoDocumentIsRefusedWithItsReason(t *testing.T) {
	for text, want := range map[string]string{
		``:                              `line 1, column 1: not JSON: unexpected end of JSON input`,
		"{\n  \"flags\": {\n    é\n}}":  `line 3, column 5: not JSON: invalid character 'Ã' looking for beginning of object key string`,
		"{\"é\": x}":                    `line 1, column 7: not JSON: invalid character 'x' looking for beginning of value`,
		`{"flags":{}} {}`:               `line 1, column 14: not JSON: invalid character '{' after top-level value`,
		`{}`:                            `the document has no member "flags"`,
		`[]`:                            `the document is an array; it must be an object with a member "flags"`,
		`"flags"`:                       `the document is a string; it must be an object with a member "flags"`,
		`{"flags":null}`:                `/flags: this is null; flags are an object, or an array of objects with a "key"`,
		`{"flags":"a"}`:                 `/flags: this is a string; flags are an object, or an array of objects with a "key"`,
		`{"flags":[{"key":"a"},{}]}`:    `/flags/1: the flag has no "key"`,
		`{"flags":[{"key":"a"},"b"]}`:   `/flags/1: this is a string; a flag in an array is an object with a "key"`,
		`{"flags":[{"key":7}]}`:         `/flags/0: the "key" of a flag is a string, not a number`,
		`{"flags":[{"key":""}]}`:        `/flags/0: the flag has no "key"`,
		`{"flags":[{"key":"a"},[1,2]]}`: `/flags/1: this is an array; a flag in an array is an object with a "key"`,
	} {
		if _, err := flagdoc.Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %v, want %s", text, err, want)
		}
	}
}

func TestDocumentDoesNotShareMemoryWithItsText(t *testing.T) {
	text := []byte(`{"metadata":{"flagSetId":"s"},"flags":{"a":{"n":1}}}`)
	doc, err := flagdoc.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	clear(text)
	if got := string(doc.Flags[0].Body); got != `{"n":1}` {
		t.Errorf("the body became %q when the text changed", got)
	}
}

func TestParseFileGoesByTheExtension(t *testing.T) {
	for name, text := range map[string]string{
		"flags.json":       `{"flags":{"a":{}}}`,
		"flags.flagd.YAML": "flags: {a: {}}",
		"dir.json/x.yml":   "flags:\n  a: {}\n",
	} {
		doc, err := flagdoc.ParseFile(name, []byte(text))
		if err != nil {
			t.Errorf("ParseFile(%q) = %v", name, err)
			continue
		}
		equal(t, doc, flagdoc.Document{Flags: flags("a", `{}`)})
	}
	for name, want := range map[string]string{
		"flags.toml": `flags.toml: unknown extension ".toml"; flags are read from .json, .yaml and .yml`,
		"flags":      `flags: unknown extension ""; flags are read from .json, .yaml and .yml`,
		"flags.json": `flags.json: line 1, column 1: not JSON: invalid character 'a' looking for beginning of value`,
	} {
		if _, err := flagdoc.ParseFile(name, []byte("a: b")); err == nil || err.Error() != want {
			t.Errorf("ParseFile(%q) = %v, want %s", name, err, want)
		}
	}
}

func TestRecordsBeginWithTheSettings(t *testing.T) {
	doc := parse(t, `{"metadata":{"flagSetId":"s"},"flags":{"a":{},"b":{"n":1}}}`)
	want := []source.Record{
		{Set: "s", Body: []byte(`{"metadata":{"flagSetId":"s"}}`), Settings: true},
		{Set: "s", Key: "a", Body: []byte(`{}`)},
		{Set: "s", Key: "b", Body: []byte(`{"n":1}`)},
	}
	if got := doc.Records(); !reflect.DeepEqual(got, want) {
		t.Errorf("Records() = %v, want %v", got, want)
	}
	if got := parse(t, `{"flags":{}}`).Records(); len(got) != 0 {
		t.Errorf("an empty document has the records %v", got)
	}
}

func TestFlagsThatNameAnotherSetBelongToIt(t *testing.T) {
	doc := parse(t, `{"metadata":{"flagSetId":"s"},"flags":{
		"a":{"n":"flagSetId"},
		"b":{"metadata":{"flagSetId":"t"}},
		"c":{"metadata":{"flagSetId":"t","owner":"x"}},
		"d":{"m\u0065tadata":{"flagSet\u0049d":"\u0074"}},
		"e":{"metadata":{"flagSetId":""}},
		"f":{"metadata":{"flagSetId":null}},
		"g":{"metadata":{"owner":{"flagSetId":"t"}}},
		"h":{"metadata":"flagSetId"},
		"i":{"metadata":{"flagSetId":"s"}}}}`)
	settings := `{"metadata":{"flagSetId":"s"}}`
	want := []string{
		"s settings", "s a", "t settings", "t b", "t c", "t d", " settings", " e", " f", "s g", "s h", "s i",
	}
	var got []string
	for _, r := range doc.Records() {
		if r.Settings && string(r.Body) != settings {
			t.Errorf("the settings of set %q are %s, want %s", r.Set, r.Body, settings)
		}
		if r.Settings {
			r.Key = "settings"
		}
		got = append(got, r.Set+" "+r.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the records are %q, want %q", got, want)
	}
	bare := parse(t, `{"flags":{"a":{"metadata":{"flagSetId":"t"}}}}`).Records()
	if len(bare) != 1 || bare[0].Set != "t" || bare[0].Settings {
		t.Errorf("without settings the records are %+v, want one flag of set t", bare)
	}
}

func TestRealFilesSurviveTheRoundTrip(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "*.flagd.*"))
	if err != nil || len(files) == 0 {
		t.Skip("there are no real flag files beside the repository")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := flagdoc.ParseFile(file, data)
		if err != nil {
			t.Errorf("ParseFile: %v", err)
			continue
		}
		if len(doc.Flags) == 0 {
			t.Errorf("%s: no flags were found", file)
		}
		equal(t, parse(t, string(flagdoc.Format(doc))), doc)
	}
}

// flags makes flags of keys and bodies in turn.
func flags(pairs ...string) []flagdoc.Flag {
	var list []flagdoc.Flag
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, flagdoc.Flag{Key: pair[0], Body: []byte(pair[1])})
	}
	return list
}

func parse(t *testing.T, text string) flagdoc.Document {
	t.Helper()
	doc, err := flagdoc.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%.200q): %v", text, err)
	}
	return doc
}

func equal(t *testing.T, got, want flagdoc.Document) {
	t.Helper()
	if g, w := show(got), show(want); g != w {
		t.Errorf("the document is\n%s\nwant\n%s", g, w)
	}
}

// show writes a document so that nothing of it is hidden.
func show(d flagdoc.Document) string {
	var b strings.Builder
	b.WriteString("set " + d.Set + "\nsettings " + string(d.Settings))
	for _, f := range d.Flags {
		b.WriteString("\nflag " + f.Key + " " + string(f.Body))
	}
	return b.String()
}
