package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

const root = "../.."

func TestThePageShowsTheFiguresThatAreKept(t *testing.T) {
	f, err := readFigures(filepath.Join(root, "bench", "compare.json"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := f.page(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(page) {
		t.Error("docs/performance.md is not what bench/compare.json says; run go run . -render in test/compare")
	}
	picture, err := os.ReadFile(filepath.Join(root, "docs", "performance.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if string(picture) != f.picture() {
		t.Error("docs/performance.svg is not what bench/compare.json says; run go run . -render in test/compare")
	}
}

// measured is what would be measured if ours took 10 ns for a static flag.
func measured(flagd, allocations float64) *figures {
	f := newFigures(1)
	f.Rows = []row{
		{Case: string(workload.Static), Attributes: workload.Few, System: system.Flagd, Nanoseconds: flagd, Min: flagd, Max: flagd},
		{
			Case: string(workload.Static), Attributes: workload.Few, System: system.Ours, Nanoseconds: 10, Min: 10, Max: 10,
			Allocations: allocations,
		},
	}
	return f
}

func TestAGoalIsMetFromItsAimAndMissedBelowItsGate(t *testing.T) {
	for _, c := range []struct {
		flagd, allocations float64
		want               state
	}{
		{1200, 0, met},
		{1190, 0, within},
		{600, 0, within},
		{590, 0, missed},
		{1200, 1, missed},
	} {
		results := measured(c.flagd, c.allocations).results()
		if len(results) != 1 || results[0].State != c.want {
			t.Errorf("flagd takes %v ns, ours 10 and %v allocations: %+v, want one goal, %s", c.flagd, c.allocations, results, c.want)
		}
	}
}

func TestWhatHasToBeSmallIsMissedAboveItsGate(t *testing.T) {
	for bytes, want := range map[float64]state{900: met, 901: within, 1201: missed} {
		f := newFigures(1)
		f.Heap = []heapRow{{System: system.Ours, Flags: 1, BytesPerFlag: bytes}}
		if got := f.results(); len(got) != 1 || got[0].State != want {
			t.Errorf("%v bytes: %+v, want one goal, %s", bytes, got, want)
		}
	}
}

func TestFiguresKeepFourDigits(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 0.0004: 0, 1.23456: 1.235, 72796.4: 72800, 123.449: 123.4} {
		if got := significant(v); got != want {
			t.Errorf("significant(%v) = %v, want %v", v, got, want)
		}
	}
}
