// Package bucket says which place among weighted variants a subject has.
//
// It is the arithmetic of flagd's fractional, second version, which all flagd
// SDKs share: every service that knows the weights puts a subject in the same
// place, without asking anyone.
package bucket

import (
	"errors"
	"math"

	"github.com/twmb/murmur3"
)

// MaxWeight is the largest weight, and the largest sum of weights.
const MaxWeight = math.MaxInt32

// Errors about weights.
var (
	ErrFraction = errors.New("a weight must be a whole number")
	ErrTooLarge = errors.New("weights and their sum must be at most 2147483647")
)

// Weights are the weights of variants, in the order of the variants.
type Weights struct {
	ends []uint32 // ends[i] is the sum up to and with the weight of variant i
}

// Add appends the weight of one more variant. A negative weight counts as 0. It
// returns [ErrFraction] or [ErrTooLarge] for a weight that cannot be.
func (w *Weights) Add(weight float64) error {
	switch {
	case weight != math.Trunc(weight): // as NaN is
		return ErrFraction
	case weight > MaxWeight, weight < math.MinInt64:
		return ErrTooLarge
	}
	sum := w.Total() + uint64(max(weight, 0))
	if sum > MaxWeight {
		return ErrTooLarge
	}
	w.ends = append(w.ends, uint32(sum)) //nolint:gosec // at most MaxWeight
	return nil
}

// Total is the sum of the weights.
func (w *Weights) Total() uint64 {
	if len(w.ends) == 0 {
		return 0
	}
	return uint64(w.ends[len(w.ends)-1])
}

// Place returns which variant the unit belongs to, counted from 0. It is false
// if the weights are all 0.
//
// The unit is hashed with MurmurHash3 (x86, 32 bits, seed 0), and the hash is
// scaled to the sum of the weights: hash × total / 2³². A variant has those that
// fall below the sum up to its own weight, and not below the one before it.
func (w *Weights) Place(unit []byte) (int, bool) {
	at := uint64(murmur3.Sum32(unit)) * w.Total() >> 32
	for i, end := range w.ends {
		if at < uint64(end) {
			return i, true
		}
	}
	return 0, false
}
