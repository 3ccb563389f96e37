package workload_test

import (
	"encoding/json"
	"testing"

	"github.com/flagline/flagline/test/compare/workload"
)

func TestBodiesAreDistinctAndAsLongAsTheySay(t *testing.T) {
	var doc struct{ Flags map[string]json.RawMessage }
	if err := json.Unmarshal(workload.Bodies(1000), &doc); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for i := range 1000 {
		body := doc.Flags[workload.BodyKey(i)]
		if len(body) != workload.BodySize {
			t.Errorf("body %d has %d bytes, want %d", i, len(body), workload.BodySize)
		}
		if seen[string(body)] {
			t.Errorf("body %d was there before", i)
		}
		seen[string(body)] = true
	}
}

func TestSubjectsHaveTheAttributesThatAreAskedFor(t *testing.T) {
	for _, n := range []int{workload.Few, workload.Many} {
		if got := len(workload.NewSubject(1).Attributes(n)); got != n {
			t.Errorf("a subject has %d attributes, want %d", got, n)
		}
	}
}
