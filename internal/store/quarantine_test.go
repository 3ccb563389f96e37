package store_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

// A step is one update and what the store is like after it.
type step struct {
	update   source.Update
	returned string // the rejections that Apply answered with
	answers  string
	rejected string // all that is quarantined
}

func run(t *testing.T, steps ...step) {
	t.Helper()
	s := store.New()
	sink := s.Add("a")
	for i, step := range steps {
		if got := rejected(sink.Apply(step.update)); got != step.returned {
			t.Errorf("step %d: Apply rejected %q, want %q", i, got, step.returned)
		}
		if got := answers(s.Current(), store.Selector{}); got != step.answers {
			t.Errorf("step %d: the answers are %q, want %q", i, got, step.answers)
		}
		if got := rejected(s.Current().Rejected()); got != step.rejected {
			t.Errorf("step %d: %q is quarantined, want %q", i, got, step.rejected)
		}
	}
}

func TestBadFlagKeepsItsLastGoodVersion(t *testing.T) {
	run(t,
		step{all(flag("", "a", "1"), flag("", "b", "1")), "", "a=1 b=1", ""},
		step{some(bad("", "a", "gone")), "/a", "a=1 b=1", "/a"},
		step{some(flag("", "b", "2")), "", "a=1 b=2", "/a"},
		step{some(bad("", "a", "gone too")), "/a", "a=1 b=2", "/a"},
		step{some(flag("", "a", "3")), "", "a=3 b=2", ""},
	)
}

func TestBadFlagInADocumentIsRejectedEachTime(t *testing.T) {
	run(t,
		step{all(flag("s", "a", "1")), "", "a=1", ""},
		step{all(bad("s", "a", "gone"), flag("s", "b", "1")), "s/a", "a=1 b=1", "s/a"},
		step{all(bad("s", "a", "gone"), flag("s", "b", "2")), "s/a", "a=1 b=2", "s/a"},
		step{all(flag("s", "a", "1"), flag("s", "b", "2")), "", "a=1 b=2", ""},
	)
}

func TestFlagThatNeverCompiledAnswersWithAnError(t *testing.T) {
	run(t,
		step{all(bad("", "a", "gone")), "/a", "a=PARSE_ERROR", "/a"},
		step{some(bad("", "a", "gone too")), "/a", "a=PARSE_ERROR", "/a"},
		step{some(flag("", "a", "1")), "", "a=1", ""},
	)
}

func TestBrokenFlagNamesItsNewestMistake(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	for _, variant := range []string{"first", "second"} {
		sink.Apply(some(bad("", "a", variant)))
		f, _ := s.Current().Find(store.Selector{}, "a")
		if err := f.Evaluate(nil).Err; !strings.Contains(err.Error(), variant) {
			t.Errorf("the error is %q, want it to name %q", err, variant)
		}
	}
}

func TestRemovalEndsTheQuarantine(t *testing.T) {
	run(t,
		step{all(flag("", "a", "1")), "", "a=1", ""},
		step{some(bad("", "a", "gone")), "/a", "a=1", "/a"},
		step{some(gone("", "a")), "", "", ""},
		step{some(bad("", "a", "gone")), "/a", "a=PARSE_ERROR", "/a"},
		step{all(), "", "", ""},
	)
}

func TestBadSettingsKeepTheOldOnes(t *testing.T) {
	const good, worse = `{"$evaluators":{"one":{"if":[true,"v"]}}}`, `{"metadata":`
	using := source.Record{Set: "s", Key: "a", Body: []byte(
		`{"state":"ENABLED","variants":{"v":1},"defaultVariant":null,"targeting":{"$ref":"one"}}`)}
	run(t,
		step{all(settings("s", good), using), "", "a=1", ""},
		step{some(settings("s", worse)), "s/", "a=1", "s/"},
		step{some(flag("s", "b", "1")), "", "a=1 b=1", "s/"},
		step{some(settings("s", worse)), "s/", "a=1 b=1", "s/"},
		step{some(settings("s", good)), "", "a=1 b=1", ""},
	)
}

func TestBadSettingsFromTheStartLeaveTheFlagsTheirSet(t *testing.T) {
	s := store.New()
	sink := s.Add("a")
	got := sink.Apply(all(settings("s", `[]`), flag("s", "a", "1")))
	if rejected(got) != "s/" || !strings.HasPrefix(got[0].Reason, "settings: ") {
		t.Errorf("Apply rejected %+v, want the settings of s", got)
	}
	f, ok := s.Current().Find(store.Selector{Set: "s", BySet: true}, "a")
	if !ok {
		t.Fatal("a is not there")
	}
	if r := f.Evaluate(nil); r.Value != 1.0 || r.Metadata["flagSetId"] != "s" {
		t.Errorf("a answers %+v, want 1 with flagSetId s", r)
	}
}

func TestSettingsThatBreakAFlagQuarantineIt(t *testing.T) {
	const before, after = `{"$evaluators":{"one":{"if":[true,"v"]}}}`, `{"$evaluators":{}}`
	using := source.Record{Key: "a", Body: []byte(
		`{"state":"ENABLED","variants":{"v":1},"defaultVariant":null,"targeting":{"$ref":"one"}}`)}
	if _, err := evaluator.CompileFlag("a", using.Body, nil); err == nil {
		t.Skip("a reference to nothing compiles")
	}
	run(t,
		step{all(settings("", before), using), "", "a=1", ""},
		step{some(settings("", after)), "/a", "a=1", "/a"},
		step{some(settings("", before)), "", "a=1", ""},
	)
}

func TestAFlagWithoutAKeyIsRejectedAndNotThere(t *testing.T) {
	st := store.New()
	rejected := st.Add("flags.json").Apply(source.Update{Replace: true, Records: []source.Record{
		{Key: "", Body: []byte(`{"variants":{"on":true}}`)}, {Key: "a", Body: []byte(`{"variants":{"on":true}}`)},
	}})
	if len(rejected) != 1 || !strings.Contains(rejected[0].Reason, "empty") {
		t.Errorf("rejected is %v, want the flag without a key", rejected)
	}
	for key := range st.Current().Flags(store.Selector{}) {
		if key != "a" {
			t.Errorf("there is a flag %q", key)
		}
	}
}

// A source that replaces everything hands over parts of one large document. What
// stays the same must not keep each of them.
func TestOldDocumentsAreNotKeptForWhatChanged(t *testing.T) {
	st := store.New()
	sink := st.Add("flags.json")
	document := func(value string) []source.Record {
		text := []byte(`{"variants":{"x":0}}` + `{"variants":{"x":` + value + `}}`)
		return []source.Record{{Key: "same", Body: text[:20]}, {Key: "changes", Body: text[20:]}}
	}
	sink.Apply(source.Update{Replace: true, Records: document("1")})
	second := document("2")
	sink.Apply(source.Update{Replace: true, Records: second})
	clear(second[1].Body) // had the store kept it, its flag would be none now
	flag, _ := st.Current().Find(store.Selector{}, "changes")
	if got, err := flag.Definition(); err != nil || !strings.Contains(string(got), `{"x":2}`) {
		t.Errorf("the flag is %s, %v", got, err)
	}
}
