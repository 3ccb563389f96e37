package evaluator_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator"
)

// Who gets which variant of a rollout is held to four claims here: shares are
// as written, flags do not know of each other, growth moves nobody out, and
// nothing but the user decides. Users are user-0, user-1 and so on, so every
// figure is the same in every run.
//
// A test of shares fails if chance alone would produce what it sees, or worse,
// once in a million. How small a deviation it would notice is computed with
// [power] and demanded: each claim names a deviation, and a test that would
// miss it more than once in a hundred times is a failure of the test.
const (
	users        = 1_000_000
	significance = 1e-6
	wantedPower  = 0.99
)

// A rollout is a flag that distributes users by weights over the variants v0,
// v1 and so on.
type rollout struct {
	flag     *evaluator.Flag
	variants int
}

func newRollout(t testing.TB, key string, bucketBy string, weights ...float64) rollout {
	t.Helper()
	var variants, shares []string
	if bucketBy != "" {
		shares = append(shares, bucketBy)
	}
	for i, w := range weights {
		variants = append(variants, fmt.Sprintf(`"v%d": %d`, i, i))
		shares = append(shares, fmt.Sprintf(`["v%d", %v]`, i, w))
	}
	f, err := evaluator.CompileFlag(key, fmt.Appendf(nil, `{"variants": {%s}, "defaultVariant": "v0", "targeting": {"fractional": [%s]}}`,
		strings.Join(variants, ", "), strings.Join(shares, ", ")), nil)
	if err != nil {
		t.Fatal(err)
	}
	return rollout{flag: f, variants: len(weights)}
}

// of returns the number of the variant of a user.
func (r rollout) of(t testing.TB, user int) int {
	t.Helper()
	answer := r.flag.Evaluate(evaluator.Context{"targetingKey": "user-" + strconv.Itoa(user)})
	if answer.Reason != evaluator.ReasonTargetingMatch {
		t.Fatalf("user %d of %s: %+v", user, r.flag.Key(), answer)
	}
	n, _, err := answer.Int()
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// assign returns the variants of the first n users.
func (r rollout) assign(t testing.TB, n int) []int {
	t.Helper()
	all := make([]int, n)
	for user := range all {
		all[user] = r.of(t, user)
	}
	return all
}

// fit returns Pearson's statistic of how the assigned variants fit the weights,
// and the probability of one as large if they are right.
func fit(assigned []int, weights []float64) (statistic, p float64) {
	counts := make([]float64, len(weights))
	for _, v := range assigned {
		counts[v]++
	}
	total := 0.0
	for _, w := range weights {
		total += w
	}
	for i, w := range weights {
		expected := float64(len(assigned)) * w / total
		statistic += (counts[i] - expected) * (counts[i] - expected) / expected
	}
	return statistic, tailOfChiSquare(len(weights)-1, statistic)
}

// mustNotice holds a test with df degrees of freedom over n users to noticing
// an effect of size w2.
func mustNotice(t *testing.T, what string, df, n int, w2 float64) {
	t.Helper()
	got := power(df, significance, float64(n)*w2)
	t.Logf("%s is noticed with a probability of %.4f", what, got)
	if got < wantedPower {
		t.Errorf("%s is noticed with a probability of %.4f, want %v: too few users", what, got, wantedPower)
	}
}

func TestBucketsAreEquallyFull(t *testing.T) {
	const buckets = 100
	claim := slices.Repeat([]float64{1}, buckets)

	tilted := slices.Clone(claim)
	for i := range tilted {
		tilted[i] += 0.0125 * float64(1-2*(i%2))
	}
	mustNotice(t, "every bucket 1.25 % too full or too empty", buckets-1, users, effect(tilted, claim))
	one := slices.Clone(claim)
	one[7] *= 1.13
	mustNotice(t, "one bucket of 100 that is 13 % too full", buckets-1, users, effect(one, claim))

	for _, key := range []string{"new-checkout", "banner", "x", "9f3c1a52-0c4e-4b8e-8a5e-6a7f0d9b1e11"} {
		statistic, p := fit(newRollout(t, key, "", claim...).assign(t, users), claim)
		t.Logf("%s: chi-square %.1f of %d degrees of freedom, p = %.4f", key, statistic, buckets-1, p)
		if p < significance {
			t.Errorf("%s: chi-square %.1f over %d buckets has p = %g, want at least %g", key, statistic, buckets, p, significance)
		}
	}
}

func TestSharesAreAsWritten(t *testing.T) {
	for _, weights := range [][]float64{{50, 50}, {1, 99}, {10, 20, 70}, {5, 15, 30, 50}, {1, 1, 1, 9_997}, {1 << 30, 1<<30 - 1}} {
		t.Run(fmt.Sprint(weights), func(t *testing.T) {
			// Every expected count is at least 100, so that the statistic has the
			// distribution that it is said to have.
			total := 0.0
			for _, w := range weights {
				total += w
			}
			truth := slices.Clone(weights)
			truth[0] += 0.004 * total
			truth[len(truth)-1] -= 0.004 * total
			mustNotice(t, "0.4 % of all users in the first variant instead of the last", len(weights)-1, users, effect(truth, weights))
			assigned := newRollout(t, "shares", "", weights...).assign(t, users)
			statistic, p := fit(assigned, weights)
			t.Logf("chi-square %.2f, p = %.4f", statistic, p)
			if p < significance {
				t.Errorf("chi-square %.1f has p = %g, want at least %g", statistic, p, significance)
			}
		})
	}
}

// The test of shares can fail: it is given shares that are not those written.
func TestWrongSharesAreNoticed(t *testing.T) {
	assigned := newRollout(t, "wrong", "", 51, 49).assign(t, users)
	if statistic, p := fit(assigned, []float64{50, 50}); p >= significance {
		t.Errorf("51 to 49 taken for 50 to 50: chi-square %.1f has p = %g, want less than %g", statistic, p, significance)
	}
}

// association returns Pearson's statistic of independence for the table of two
// assignments, and the probability of one as large if they are independent.
func association(a, b []int, rows, columns int) (statistic, p float64) {
	table := make([][]float64, rows)
	inRow, inColumn := make([]float64, rows), make([]float64, columns)
	for i := range table {
		table[i] = make([]float64, columns)
	}
	for user := range a {
		table[a[user]][b[user]]++
		inRow[a[user]]++
		inColumn[b[user]]++
	}
	for i := range table {
		for j, count := range table[i] {
			expected := inRow[i] * inColumn[j] / float64(len(a))
			statistic += (count - expected) * (count - expected) / expected
		}
	}
	return statistic, tailOfChiSquare((rows-1)*(columns-1), statistic)
}

// With an effect of w = 0.01, of two flags that are on for half of all users
// each, 50.5 instead of 50 percent of those with one have the other.
func TestFlagsAreIndependent(t *testing.T) {
	weights := [][]float64{{50, 50}, {10, 90}, {25, 25, 25, 25}, {5, 15, 30, 50}}
	keys := []string{"new-checkout", "new-checkout2", "banner", "flag-1", "flag-2", "flag-11", ""}
	mustNotice(t, "an association of w = 0.01 in the largest table", 9, users, 0.01*0.01)

	rollouts := make([]rollout, len(keys))
	assigned := make([][]int, len(keys))
	for i, key := range keys {
		rollouts[i] = newRollout(t, key, "", weights[i%len(weights)]...)
		assigned[i] = rollouts[i].assign(t, users)
	}
	for i := range keys {
		for j := range i {
			statistic, p := association(assigned[i], assigned[j], rollouts[i].variants, rollouts[j].variants)
			if p < significance {
				t.Errorf("%q and %q: chi-square %.1f has p = %g, want at least %g", keys[i], keys[j], statistic, p, significance)
			}
		}
	}
}

// Whoever buckets two flags by the same value ties them together: so says
// flagd, and so the test of independence can fail.
func TestFlagsThatBucketByTheSameValueAreTied(t *testing.T) {
	by := `{"var": "targetingKey"}`
	a, b := newRollout(t, "a", by, 50, 50).assign(t, 10_000), newRollout(t, "b", by, 50, 50).assign(t, 10_000)
	if statistic, p := association(a, b, 2, 2); p >= significance || !slices.Equal(a, b) {
		t.Errorf("chi-square %.1f has p = %g; want equal variants for all users", statistic, p)
	}
}

func TestGrowthMovesNobodyOut(t *testing.T) {
	const some = 50_000
	for name, steps := range map[string][][]float64{
		"a rollout with its remainder":         {{0, 100}, {1, 99}, {10, 90}, {20, 80}, {50, 50}, {99, 1}, {100, 0}},
		"in fine steps":                        {{1, 999999}, {2, 999998}, {1000, 999000}, {1001, 998999}, {999999, 1}},
		"the second of two, before the rest":   {{10, 10, 80}, {10, 20, 70}, {10, 50, 40}, {10, 90, 0}},
		"the last, and with it the sum of all": {{100, 0, 0}, {100, 0, 10}, {100, 0, 50}, {100, 0, 10000}},
	} {
		grown := 0
		if strings.Contains(name, "second") {
			grown = 1
		} else if strings.Contains(name, "last") {
			grown = 2
		}
		t.Run(name, func(t *testing.T) {
			before, in := newRollout(t, "growth", "", steps[0]...).assign(t, some), 0
			for _, weights := range steps[1:] {
				after := newRollout(t, "growth", "", weights...).assign(t, some)
				for user := range after {
					if before[user] == grown && after[user] != grown {
						t.Fatalf("user %d had variant %d before the weights became %v, and then %d", user, grown, weights, after[user])
					}
					if grown < 2 && after[user] != before[user] && after[user] != grown {
						t.Fatalf("user %d went from variant %d to %d when the weights became %v", user, before[user], after[user], weights)
					}
					if after[user] == grown {
						in++
					}
				}
				before = after
			}
			if in == 0 {
				t.Error("nobody ever had the variant that grew")
			}
		})
	}
}

// The variant of a user depends neither on who was asked before, nor on who
// asks at the same time, nor on which of two equal flags is asked.
func TestVariantsDoNotDependOnTheOrderOfQuestions(t *testing.T) {
	const some = 20_000
	weights := []float64{5, 15, 30, 50}
	r := newRollout(t, "order", "", weights...)
	want := r.assign(t, some)
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		again := newRollout(t, "order", "", weights...)
		wg.Go(func() {
			for i, user := range rand.New(rand.NewPCG(seed, 0)).Perm(some) {
				ask := r
				if i%2 == 0 {
					ask = again
				}
				answer := ask.flag.Evaluate(evaluator.Context{"extra": i, "targetingKey": "user-" + strconv.Itoa(user), "email": "x"})
				if got, _, _ := answer.Int(); int(got) != want[user] {
					t.Errorf("user %d has variant %d, and had %d", user, got, want[user])
					return
				}
			}
		})
	}
	wg.Wait()
}
