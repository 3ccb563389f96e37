package bucket_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/flagline/flagline/evaluator/bucket"
)

// A rollout to a tenth of all subjects, as a flag with the key "new-checkout"
// would make it: what is hashed is the flag's key and the targeting key.
func ExampleWeights() {
	var weights bucket.Weights
	for _, weight := range []float64{10, 90} {
		if err := weights.Add(weight); err != nil {
			fmt.Println(err)
			return
		}
	}
	variants := []string{"on", "off"}
	for _, subject := range []string{"user-1", "user-9"} {
		at, _ := weights.Place([]byte("new-checkout" + subject))
		fmt.Println(subject, variants[at])
	}
	// Output:
	// user-1 off
	// user-9 on
}

// The places were read off flagd, whose hash and arithmetic all its SDKs share.
func TestPlacesAreFlagds(t *testing.T) {
	var hundred bucket.Weights
	for range 100 {
		if err := hundred.Add(1); err != nil {
			t.Fatal(err)
		}
	}
	for unit, want := range map[string]int{
		"": 0, "a": 23, "fractional-flag-shorthandjon@company.com": 14, "new-backend-rollouttk-1": 13, "héllo": 73,
	} {
		if got, ok := hundred.Place([]byte(unit)); got != want || !ok {
			t.Errorf("Place(%q) = %d, %v; want %d", unit, got, ok, want)
		}
	}
}

func TestWeightsThatCannotBeAreRefused(t *testing.T) {
	for _, c := range []struct {
		weights []float64
		want    error
	}{
		{[]float64{1.5}, bucket.ErrFraction},
		{[]float64{math.NaN()}, bucket.ErrFraction},
		{[]float64{bucket.MaxWeight + 1}, bucket.ErrTooLarge},
		{[]float64{math.Inf(1)}, bucket.ErrTooLarge},
		{[]float64{math.Inf(-1)}, bucket.ErrTooLarge},
		{[]float64{bucket.MaxWeight, 1}, bucket.ErrTooLarge},
		{[]float64{-1e300}, bucket.ErrTooLarge},
		{[]float64{bucket.MaxWeight, 0, -7}, nil},
	} {
		var w bucket.Weights
		var err error
		for _, weight := range c.weights {
			err = errors.Join(err, w.Add(weight))
		}
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("weights %v: %v, want %v", c.weights, err, c.want)
		}
	}
}

func TestNobodyHasAPlaceAmongNoWeights(t *testing.T) {
	var none, zeros bucket.Weights
	for range 3 {
		if err := zeros.Add(-1); err != nil { // counts as 0
			t.Fatal(err)
		}
	}
	for _, w := range []bucket.Weights{none, zeros} {
		if at, ok := w.Place([]byte("user")); ok {
			t.Errorf("among %d there is place %d", w.Total(), at)
		}
	}
}

// Whoever is in a growing share stays in it, and a weight of 0 takes nobody.
func TestGrowthMovesNobodyOut(t *testing.T) {
	var was []bool
	for _, share := range []float64{0, 1, 10, 50, 99, 100} {
		var w bucket.Weights
		if err := errors.Join(w.Add(share), w.Add(100-share)); err != nil {
			t.Fatal(err)
		}
		var in []bool
		for i := range 10_000 {
			at, _ := w.Place(fmt.Appendf(nil, "flaguser-%d", i))
			in = append(in, at == 0)
		}
		for i := range was {
			if was[i] && !in[i] {
				t.Fatalf("user-%d is out at %v %%", i, share)
			}
		}
		n := len(slices.DeleteFunc(slices.Clone(in), func(in bool) bool { return !in }))
		if share == 0 && n != 0 || share == 100 && n != len(in) {
			t.Errorf("%d of %d are in at %v %%", n, len(in), share)
		}
		was = in
	}
}
