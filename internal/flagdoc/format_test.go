package flagdoc_test

import (
	"bytes"
	"testing"

	"github.com/flagline/flagline/internal/flagdoc"
)

func TestFormatIsIndentedAndSorted(t *testing.T) {
	doc := flagdoc.Document{
		Set:      "shop",
		Settings: []byte(`{"$schema":"s","metadata":{"flagSetId":"shop"}}`),
		Flags:    flags("é<&>", `{"n":1.50}`, "a", `{}`),
	}
	const want = `{
  "$schema": "s",
  "metadata": {
    "flagSetId": "shop"
  },
  "flags": {
    "a": {},
    "é<&>": {
      "n": 1.50
    }
  }
}
`
	if got := string(flagdoc.Format(doc)); got != want {
		t.Errorf("Format gave\n%s\nwant\n%s", got, want)
	}
	if doc.Flags[0].Key != "é<&>" {
		t.Error("Format reordered the flags of its argument")
	}
	if got, want := string(flagdoc.Format(flagdoc.Document{})), "{\n  \"flags\": {}\n}\n"; got != want {
		t.Errorf("an empty document is written as %q, want %q", got, want)
	}
}

func TestFormatDoesNotLoseTheNameOfTheSet(t *testing.T) {
	for _, test := range []struct{ settings, want string }{
		{``, `{"metadata":{"flagSetId":"a \"set\""}}`},
		{`{"x":1}`, `{"x":1,"metadata":{"flagSetId":"a \"set\""}}`},
		{`{"metadata":{"v":1},"x":1}`, `{"metadata":{"v":1,"flagSetId":"a \"set\""},"x":1}`},
		{`{"metadata":{"flagSetId":"other","v":1}}`, `{"metadata":{"flagSetId":"a \"set\"","v":1}}`},
		{`not JSON`, `{"metadata":{"flagSetId":"a \"set\""}}`},
		{`[1]`, `{"metadata":{"flagSetId":"a \"set\""}}`},
		{"{\n  \"x\": 1\n}", `{"x":1,"metadata":{"flagSetId":"a \"set\""}}`},
		{`{"metadata":7}`, `{"metadata":{"flagSetId":"a \"set\""}}`},
	} {
		doc := flagdoc.Document{Set: `a "set"`, Settings: []byte(test.settings), Flags: flags("k", `{}`)}
		got := parse(t, string(flagdoc.Format(doc)))
		if got.Set != doc.Set || string(got.Settings) != test.want {
			t.Errorf("with settings %s the set is %q and the settings are %s, want %s", test.settings, got.Set, got.Settings, test.want)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, text := range []string{
		`{"flags":{}}`,
		`{"metadata":{"flagSetId":"s"},"flags":[{"key":"a","n":1e-7}]}`,
		`{"x":[{}],"flags":{"a":{"b":"\ud800\\"},"a":0},"x":""}`,
		"{\"\xff\":1,\"\ufffd\":2,\"flags\":{\"\xff\":null}}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := flagdoc.Parse(text)
		if err != nil {
			return
		}
		once := flagdoc.Format(doc)
		again, err := flagdoc.Parse(once)
		if err != nil {
			t.Fatalf("Format wrote what Parse refuses: %v\n%s", err, once)
		}
		equal(t, again, doc)
		if twice := flagdoc.Format(again); !bytes.Equal(once, twice) {
			t.Errorf("Format is not stable:\n%s\n%s", once, twice)
		}
	})
}
