package store_test

import (
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
)

func TestLaterSourceWinsAndTheEarlierOneReappears(t *testing.T) {
	s := store.New()
	low, high := s.Add("low"), s.Add("high")
	low.Apply(all(flag("", "a", "1"), flag("", "b", "1")))
	high.Apply(all(flag("", "b", "2"), flag("", "c", "2")))
	if got, want := answers(s.Current(), store.Selector{}), "a=1 b=2 c=2"; got != want {
		t.Errorf("two sources answer %q, want %q", got, want)
	}
	before := s.Current()
	high.Apply(some(gone("", "b"), gone("", "c")))
	if got, want := answers(s.Current(), store.Selector{}), "a=1 b=1"; got != want {
		t.Errorf("after the higher one dropped its flags the answers are %q, want %q", got, want)
	}
	diff(t, before, s.Current(), store.Selector{}, map[string]evaluator.Change{
		"b": evaluator.ChangeUpdate, "c": evaluator.ChangeDelete,
	})
}

func TestUnnamedSetWinsWithinASourceAndThenByteOrder(t *testing.T) {
	s := store.New()
	s.Add("a").Apply(all(
		flag("z", "one", "3"), flag("b", "one", "2"), flag("", "one", "1"),
		flag("z", "two", "3"), flag("b", "two", "2"),
	))
	if got, want := answers(s.Current(), store.Selector{}), "one=1 two=2"; got != want {
		t.Errorf("three sets answer %q, want %q", got, want)
	}
}

func TestPriorityOfSourcesBeatsTheOrderOfSets(t *testing.T) {
	s := store.New()
	s.Add("low").Apply(all(flag("", "a", "1")))
	s.Add("high").Apply(all(flag("z", "a", "2")))
	if got, want := answers(s.Current(), store.Selector{}), "a=2"; got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
}

func TestSelectorsNarrowWhatIsSeen(t *testing.T) {
	s := store.New()
	s.Add("low.json").Apply(all(flag("", "a", "1"), flag("x", "b", "1"), flag("x", "c", "1")))
	s.Add("high.json").Apply(all(flag("", "a", "2"), flag("x", "b", "2"), flag("y", "d", "2")))
	for selector, want := range map[string]string{
		"":                 "a=2 b=2 c=1 d=2",
		"low.json":         "a=1 b=1 c=1",
		"source=low.json":  "a=1 b=1 c=1",
		"source=high.json": "a=2 b=2 d=2",
		"flagSetId=":       "a=2",
		"flagSetId=x":      "b=2 c=1",
		"flagSetId=y":      "d=2",
		"flagSetId=z":      "",
		"nobody.json":      "",
	} {
		sel, err := store.ParseSelector(selector)
		if err != nil {
			t.Errorf("ParseSelector(%q): %v", selector, err)
			continue
		}
		if got := answers(s.Current(), sel); got != want {
			t.Errorf("selector %q shows %q, want %q", selector, got, want)
		}
		for key, f := range s.Current().Flags(sel) {
			if found, ok := s.Current().Find(sel, key); !ok || found != f {
				t.Errorf("selector %q: Find(%q) is not what Flags shows", selector, key)
			}
		}
	}
}

func TestParseSelector(t *testing.T) {
	for text, want := range map[string]store.Selector{
		"":                 {},
		"./a.json":         {Source: "./a.json"},
		"source=a=b":       {Source: "a=b"},
		"flagSetId=a=b":    {Set: "a=b", BySet: true},
		"flagSetId=":       {BySet: true},
		"source=":          {},
		"https://x/?a":     {Source: "https://x/?a"},
		"source=flagSetId": {Source: "flagSetId"},
	} {
		if got, err := store.ParseSelector(text); err != nil || got != want {
			t.Errorf("ParseSelector(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"set=a", "=a", "FlagSetId=a", " source=a"} {
		if got, err := store.ParseSelector(text); err == nil {
			t.Errorf("ParseSelector(%q) = %+v, want an error", text, got)
		}
	}
}

func TestDiffShowsOnlyWhatTheSelectorShows(t *testing.T) {
	s := store.New()
	low, high := s.Add("low"), s.Add("high")
	low.Apply(all(flag("", "hidden", "1"), flag("x", "kept", "1"), flag("x", "changed", "1")))
	high.Apply(all(flag("", "hidden", "2")))
	before := s.Current()
	low.Apply(all(flag("", "hidden", "3"), flag("x", "kept", "1"), flag("x", "changed", "2"), flag("y", "new", "1")))

	changed, written := evaluator.ChangeUpdate, evaluator.ChangeWrite
	for _, test := range []struct {
		sel  store.Selector
		want map[string]evaluator.Change
	}{
		{store.Selector{}, map[string]evaluator.Change{"changed": changed, "new": written}},
		{store.Selector{Source: "low"}, map[string]evaluator.Change{"hidden": changed, "changed": changed, "new": written}},
		{store.Selector{Source: "high"}, nil},
		{store.Selector{Set: "x", BySet: true}, map[string]evaluator.Change{"changed": changed}},
		{store.Selector{Set: "y", BySet: true}, map[string]evaluator.Change{"new": written}},
	} {
		diff(t, before, s.Current(), test.sel, test.want)
	}
}

func TestDiffOfALayerThatCameLater(t *testing.T) {
	s := store.New()
	before := s.Current()
	s.Add("a").Apply(all(flag("x", "a", "1")))
	diff(t, before, s.Current(), store.Selector{}, map[string]evaluator.Change{"a": evaluator.ChangeWrite})
	diff(t, s.Current(), before, store.Selector{}, map[string]evaluator.Change{"a": evaluator.ChangeDelete})
}

func diff(t *testing.T, old, next *store.Snapshot, sel store.Selector, want map[string]evaluator.Change) {
	t.Helper()
	got := store.Diff(old, next, sel)
	if len(got) != len(want) {
		t.Errorf("Diff of %+v = %v, want %v", sel, got, want)
		return
	}
	for key, change := range want {
		if got[key] != change {
			t.Errorf("Diff of %+v says %v of %q, want %v", sel, got[key], key, change)
		}
	}
}
