package evaluator_test

import (
	"math"
	"testing"
)

// The chi-square distribution, as far as the tests of bucketing need it. The
// formulas are those of Abramowitz and Stegun, Handbook of Mathematical
// Functions (1964), by the numbers given.

// tailOfChiSquare returns the probability that a chi-square variable with df
// degrees of freedom exceeds x: 26.4.19, the regularised incomplete gamma
// function Q(df/2, x/2).
func tailOfChiSquare(df int, x float64) float64 {
	if x <= 0 {
		return 1
	}
	a, x := float64(df)/2, x/2
	logGamma, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - logGamma)
	if x < a+1 {
		return 1 - front*lowerSeries(a, x)
	}
	return front * upperFraction(a, x)
}

// lowerSeries is 6.5.29: the sum of x^n / (a (a+1) … (a+n)).
func lowerSeries(a, x float64) float64 {
	term := 1 / a
	sum := term
	for n := 1; term > sum*1e-17; n++ {
		term *= x / (a + float64(n))
		sum += term
	}
	return sum
}

// upperFraction is 6.5.31 in the form that converges twice as fast: the
// continued fraction 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- …))), from its
// far end inwards. Where it is used, 500 levels are far more than needed.
func upperFraction(a, x float64) float64 {
	tail := 0.0
	for n := 500; n >= 1; n-- {
		f := float64(n)
		tail = f * (f - a) / (x + 2*f + 1 - a - tail)
	}
	return 1 / (x + 1 - a - tail)
}

// criticalChiSquare returns what a chi-square variable with df degrees of
// freedom exceeds with the probability alpha.
func criticalChiSquare(df int, alpha float64) float64 {
	low, high := 0.0, 1e4
	for range 100 {
		if middle := (low + high) / 2; tailOfChiSquare(df, middle) > alpha {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// power returns with which probability a chi-square test of df degrees of
// freedom at the level alpha notices an effect, given as the noncentrality
// lambda. That is n·w², for n observations and Cohen's effect size
// w² = Σ (p-p₀)²/p₀, p being the true probabilities and p₀ those claimed
// (J. Cohen, Statistical Power Analysis, 1988, chapter 7). The statistic then
// has the noncentral distribution 26.4.25: a mixture of central ones, with the
// probabilities of a Poisson variable of mean lambda/2 as weights.
func power(df int, alpha, lambda float64) float64 {
	critical := criticalChiSquare(df, alpha)
	mean := lambda / 2
	sum := 0.0
	for j := range int(mean+20*math.Sqrt(mean)) + 50 {
		logFactorial, _ := math.Lgamma(float64(j) + 1)
		weight := math.Exp(float64(j)*math.Log(mean) - mean - logFactorial)
		sum += weight * tailOfChiSquare(df+2*j, critical)
	}
	return sum
}

// effect is w² for true shares among claimed ones, neither of which need add
// up to one.
func effect(truth, claim []float64) (w2 float64) {
	var allTrue, allClaimed float64
	for i := range truth {
		allTrue += truth[i]
		allClaimed += claim[i]
	}
	for i := range truth {
		p, p0 := truth[i]/allTrue, claim[i]/allClaimed
		w2 += (p - p0) * (p - p0) / p0
	}
	return w2
}

// The critical values are those of the printed tables (26.8 there). The powers
// are known another way: with one degree of freedom the statistic is the square
// of a normal variable, with two its tail at no effect is exp(-x/2).
func TestChiSquareAgreesWithPrintedTables(t *testing.T) {
	for _, c := range []struct {
		df    int
		alpha float64
		want  float64
	}{
		{1, 0.05, 3.84146},
		{1, 0.001, 10.8276},
		{2, 0.01, 9.21034},
		{3, 0.05, 7.81473},
		{9, 0.01, 21.6660},
		{30, 0.005, 53.6720},
		{60, 0.05, 79.0819},
		{100, 0.01, 135.807},
		{100, 0.001, 149.449},
		{2, 1e-6, 27.63102}, // -2 log 1e-6
	} {
		if got := criticalChiSquare(c.df, c.alpha); math.Abs(got/c.want-1) > 5e-6 {
			t.Errorf("criticalChiSquare(%d, %v) = %v, want %v", c.df, c.alpha, got, c.want)
		}
	}
	normalTail := func(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
	for _, lambda := range []float64{1, 10, 40, 100} {
		z := math.Sqrt(criticalChiSquare(1, 1e-6))
		want := normalTail(z-math.Sqrt(lambda)) + normalTail(z+math.Sqrt(lambda))
		if got := power(1, 1e-6, lambda); math.Abs(got-want) > 1e-9 {
			t.Errorf("power(1, 1e-6, %v) = %v, want %v", lambda, got, want)
		}
	}
}
