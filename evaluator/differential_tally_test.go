package evaluator_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
	"github.com/flagline/flagline/evaluator/reference"
)

// A tally counts how evaluations ended, at the level of rules and at that of
// flags.
type tally struct {
	evaluations, exempt               int
	values, nulls, failures           int
	flags, variants, defaults, errors int
	exemptions                        map[string]int
}

func (t *tally) add(u tally) {
	t.evaluations += u.evaluations
	t.exempt += u.exempt
	t.values += u.values
	t.nulls += u.nulls
	t.failures += u.failures
	t.flags += u.flags
	t.variants += u.variants
	t.defaults += u.defaults
	t.errors += u.errors
	if t.exemptions == nil {
		t.exemptions = make(map[string]int)
	}
	for why, n := range u.exemptions {
		t.exemptions[why] += n
	}
}

func (t *tally) countRule(v differ.Verdict) {
	t.evaluations++
	switch {
	case v.Want.Failed:
		t.failures++
	case v.Want.Value == nil:
		t.nulls++
	default:
		t.values++
	}
	if v.Exempt != "" {
		t.exempt++
		if t.exemptions == nil {
			t.exemptions = make(map[string]int)
		}
		t.exemptions[v.Exempt]++
	}
}

func (t *tally) countFlag(a reference.Answer) {
	t.flags++
	switch {
	case a.Code != "":
		t.errors++
	case a.Reason == string(evaluator.ReasonTargetingMatch):
		t.variants++
	default:
		t.defaults++
	}
}

// check holds the generator to what makes its cases worth comparing.
func (t *tally) check(tt *testing.T) {
	tt.Helper()
	share := func(what string, n, of int, least, most float64) {
		got := 100 * float64(n) / float64(max(of, 1))
		tt.Logf("%6.2f %% %s", got, what)
		if got < least || got > most {
			tt.Errorf("%.2f %% of %d end in %s, want %v to %v %%", got, of, what, least, most)
		}
	}
	share("rules: a value", t.values, t.evaluations, 20, 100)
	share("rules: null", t.nulls, t.evaluations, 20, 100)
	share("rules: an error", t.failures, t.evaluations, 20, 100)
	share("flags: a variant", t.variants, t.flags, 20, 100)
	share("flags: the default", t.defaults, t.flags, 20, 100)
	share("flags: an error", t.errors, t.flags, 20, 100)
	for _, why := range slices.Sorted(maps.Keys(t.exemptions)) {
		share("rules exempt: "+why, t.exemptions[why], t.evaluations, 0, 5)
	}
	share("rules exempt", t.exempt, t.evaluations, 0, 5)
}
