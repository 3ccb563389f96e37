package evaluator_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

func TestNilFlagSetIsEmpty(t *testing.T) {
	var set *evaluator.FlagSet
	if r := set.Evaluate("on", nil); r.Err == nil || r.Err.Code != evaluator.CodeFlagNotFound {
		t.Errorf("Evaluate = %+v, want FLAG_NOT_FOUND", r)
	}
	for key := range set.All() {
		t.Errorf("All yields %q", key)
	}
	for key := range set.Diff(nil) {
		t.Errorf("Diff yields %q", key)
	}
	if set.Len() != 0 || set.Settings() == nil || set.Settings().Metadata() != nil {
		t.Errorf("Len, Settings = %d, %v; want 0 and empty settings", set.Len(), set.Settings())
	}
}

func TestWithLeavesTheOldSetAlone(t *testing.T) {
	old := compile(t, `{"flags":{
		"a": {"variants":{"x":1},"defaultVariant":"x"},
		"b": {"variants":{"x":1},"defaultVariant":"x"}}}`)
	next := old.With(old.Settings(), []*evaluator.Flag{flag(t, "a", "y"), flag(t, "c", "z")}, []string{"b", "nosuch"})

	for _, c := range []struct {
		set  *evaluator.FlagSet
		want string
	}{
		{old, "a=x b=x 2"},
		{next, "a=y c=z 2"},
		{next.With(nil, nil, []string{"a", "c"}), "0"},
		{old.With(nil, []*evaluator.Flag{flag(t, "b", "p"), flag(t, "b", "q")}, []string{"b"}), "a=x b=q 2"},
	} {
		if got := describe(c.set); got != c.want {
			t.Errorf("set holds %s, want %s", got, c.want)
		}
	}
}

func TestFlagsComeInByteOrderOfTheirKeys(t *testing.T) {
	var flags []*evaluator.Flag
	want := []string{"B", "a", "a-1", "a1", "é"}
	for _, key := range []string{"a1", "é", "a", "B", "a-1"} {
		flags = append(flags, flag(t, key, "x"))
	}
	var got []string
	for key := range (*evaluator.FlagSet)(nil).With(nil, flags, nil).All() {
		got = append(got, key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("All yields %q, want %q", got, want)
	}
}

func TestOneChangeAmongTenThousandFlagsTouchesOneFlag(t *testing.T) {
	flags := make([]*evaluator.Flag, 10_000)
	for i := range flags {
		flags[i] = flag(t, "flag-"+strconv.Itoa(i), "x")
	}
	old := (*evaluator.FlagSet)(nil).With(nil, flags, nil)
	changed := flag(t, "flag-4711", "y")
	next := old.With(nil, []*evaluator.Flag{changed}, nil)

	if old.Len() != len(flags) || next.Len() != len(flags) {
		t.Errorf("sets hold %d and %d flags, want %d", old.Len(), next.Len(), len(flags))
	}
	for _, f := range flags {
		got, ok := next.Flag(f.Key())
		if want := f; f.Key() == changed.Key() {
			if got != changed {
				t.Errorf("%s was not replaced", f.Key())
			}
		} else if !ok || got != want {
			t.Fatalf("%s is not the flag it was", f.Key())
		}
	}
	if n := testing.AllocsPerRun(100, func() { old.With(nil, []*evaluator.Flag{changed}, nil) }); n > 40 {
		t.Errorf("With allocates %v times for one flag, want a few", n)
	}
}

func TestDiffTellsWhatChanged(t *testing.T) {
	old := compile(t, `{"flags":{
		"same":   {"variants":{"x":1},"defaultVariant":"x"},
		"gone":   {"variants":{"x":1},"defaultVariant":"x"},
		"edited": {"variants":{"x":1},"defaultVariant":"x"},
		"meta":   {"variants":{"x":1},"defaultVariant":"x"},
		"note":   {"variants":{"x":1},"defaultVariant":"x","description":"old"}}}`)
	next := compile(t, `{"flags":{
		"new":    {"variants":{"x":1},"defaultVariant":"x"},
		"same":   {"defaultVariant":"x", "variants":{"x":1}},
		"edited": {"variants":{"x":1},"defaultVariant":"x","targeting":{"if":[false,"x"]}},
		"meta":   {"variants":{"x":1},"defaultVariant":"x","metadata":{"a":1}},
		"note":   {"variants":{"x":1},"defaultVariant":"x","description":"new"}}}`)

	for _, c := range []struct {
		from, to *evaluator.FlagSet
		want     string
	}{
		{old, next, "[edited:update gone:delete meta:update new:write]"},
		{next, old, "[edited:update gone:write meta:update new:delete]"},
		{old, old, "[]"},
		{nil, old, "[edited:write gone:write meta:write note:write same:write]"},
		{old, nil, "[edited:delete gone:delete meta:delete note:delete same:delete]"},
	} {
		got := []string{}
		for key, change := range c.from.Diff(c.to) {
			got = append(got, key+":"+change.String())
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("Diff = %v, want %s", got, c.want)
		}
	}
}

func TestSettingsOfAnotherKindChangeTheFlagsThatUseThem(t *testing.T) {
	const definition = `{"variants":{"x":1},"defaultVariant":"x","targeting":{"if":[{"$ref":"r"},"x"]}}`
	sets := make([]*evaluator.FlagSet, 2)
	for i, settings := range []string{`{"$evaluators":{"r":{"var":"a"}}}`, `{"$evaluators":{"r":{"var":"b"}}}`} {
		shared, err := evaluator.CompileSettings("", []byte(settings))
		if err != nil {
			t.Fatal(err)
		}
		f, err := evaluator.CompileFlag("f", []byte(definition), shared)
		if err != nil {
			t.Fatal(err)
		}
		sets[i] = sets[0].With(shared, []*evaluator.Flag{f}, nil)
	}
	for key, change := range sets[0].Diff(sets[1]) {
		if key == "f" && change == evaluator.ChangeUpdate {
			return
		}
	}
	t.Error("Diff does not see that an evaluator changed")
}

func TestEvaluationGoesOnWhileFlagsChange(t *testing.T) {
	var current atomic.Pointer[evaluator.FlagSet]
	current.Store((*evaluator.FlagSet)(nil).With(nil, []*evaluator.Flag{flag(t, "f", "0")}, nil))

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			last := 0
			for last < 200 {
				r := current.Load().Evaluate("f", evaluator.Context{"targetingKey": "u"})
				n, err := strconv.Atoi(r.Variant)
				if err != nil || n < last {
					t.Errorf("answer %+v after variant %d", r, last)
					return
				}
				last = n
				for range current.Load().All() {
				}
			}
		})
	}
	for i := range 201 {
		f := flag(t, "f", strconv.Itoa(i))
		other := flag(t, "other-"+strconv.Itoa(i), "x")
		current.Store(current.Load().With(nil, []*evaluator.Flag{f, other}, nil))
	}
	wg.Wait()
}

// flag returns a flag that always answers with variant.
func flag(t testing.TB, key, variant string) *evaluator.Flag {
	t.Helper()
	f, err := evaluator.CompileFlag(key, fmt.Appendf(nil, `{"variants":{%q:1},"targeting":%q}`, variant, variant), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func describe(set *evaluator.FlagSet) (text string) {
	for key := range set.All() {
		text += key + "=" + set.Evaluate(key, nil).Variant + " "
	}
	return text + strconv.Itoa(set.Len())
}
