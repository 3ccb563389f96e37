package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/flagline/flagline/test/compare/workload"
)

func ready(t *testing.T, w workload.Workload) []contender {
	t.Helper()
	list, err := contenders(w)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSystemsAgreeAboutEachKindOfFlag(t *testing.T) {
	for _, attributes := range []int{workload.Few, workload.Many} {
		for _, kind := range workload.Kinds() {
			t.Run(fmt.Sprintf("%s with %d attributes", kind, attributes), func(t *testing.T) {
				w := workload.Warm(kind, attributes)
				if err := agree(w, ready(t, w)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestSystemsAgreeAboutARotation(t *testing.T) {
	w := workload.Rotation(80, 2)
	if err := agree(w, ready(t, w)); err != nil {
		t.Error(err)
	}
}

func TestFlagdAndWeAgreeAboutAllFlags(t *testing.T) {
	b, err := newBulk(200)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.agree(); err != nil {
		t.Error(err)
	}
}

func TestBodiesAreValid(t *testing.T) {
	if err := compileAndValidate(workload.Bodies(40)); err != nil {
		t.Error(err)
	}
}

// A comparison in which everybody is refused proves nothing.
func TestQuestionsHaveDifferentAnswers(t *testing.T) {
	for _, kind := range workload.Kinds() {
		w := workload.Warm(kind, workload.Few)
		flagd := ready(t, w)[0]
		seen := make(map[string]bool)
		for _, q := range w.Questions() {
			seen[flagd.Answer(q.Flag, q.Subject)] = true
		}
		want := 2
		if w.Flags[0].Rules == nil {
			want = max(1, len(w.Flags[0].Shares))
		}
		if len(seen) < want {
			t.Errorf("%s: everybody gets one of %v, want %d variants at least", kind, seen, want)
		}
	}
}

func TestWhoIsTimedMeetsTheLastRule(t *testing.T) {
	for _, kind := range workload.Kinds() {
		w := workload.Warm(kind, workload.Few)
		f := w.Flags[0]
		if f.Rules == nil {
			continue
		}
		if got, want := ready(t, w)[0].Answer(0, 0), f.Rules[len(f.Rules)-1].Variant; got != want {
			t.Errorf("%s: the one who is timed gets %q, want %q", kind, got, want)
		}
	}
}

// wrong is a system with one answer.
type wrong struct{ answer string }

func (w wrong) Answer(int, int) string { return w.answer }

func TestADifferentAnswerIsFound(t *testing.T) {
	w := workload.Warm(workload.Chain10, workload.Few)
	list := ready(t, w)
	list[len(list)-1].System = wrong{"v9"}
	err := agree(w, list)
	if err == nil || !strings.Contains(err.Error(), list[len(list)-1].Name) {
		t.Errorf("a system that always answers v9 is taken for %v", err)
	}
}

func TestUnfairSharesAreFound(t *testing.T) {
	w := workload.Warm(workload.Frac2, workload.Few)
	list := ready(t, w)
	for i := range list {
		if list[i].Buckets {
			list[i].System = wrong{"a"}
		}
	}
	if err := agree(w, list); err == nil {
		t.Error("a system that gives everybody the same half is taken for fair")
	}
}
