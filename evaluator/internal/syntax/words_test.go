package syntax_test

import (
	"fmt"
	"testing"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

func TestNamesAreListedInOrderAndNotAllOfThem(t *testing.T) {
	for n, want := range map[int]string{
		0:  `there are none`,
		1:  `there is "n00"`,
		3:  `there are "n00", "n01" and "n02"`,
		12: `there are "n00", "n01", "n02", "n03", "n04", "n05", "n06", "n07", "n08", "n09", "n10" and "n11"`,
		40: `there are "n00", "n01", "n02", "n03", "n04", "n05", "n06", "n07", "n08", "n09", "n10", "n11" and 28 more`,
	} {
		names := make(map[string]bool)
		for i := range n {
			names[fmt.Sprintf("n%02d", i)] = true
		}
		if got := syntax.ThereAre(names); got != want {
			t.Errorf("of %d names: %s, want %s", n, got, want)
		}
	}
}
