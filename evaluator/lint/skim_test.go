package lint_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/lint"
)

// FuzzSkimFindsWhatStudyFinds writes documents of its own beside those that it
// is given: few that are made of mangled bytes say much about flags.
func FuzzSkimFindsWhatStudyFinds(f *testing.F) {
	for _, document := range documents(f) {
		f.Add(document, uint64(0))
	}
	for seed := range uint64(50) {
		f.Add(write(seed), seed)
	}
	f.Fuzz(func(t *testing.T, document string, seed uint64) {
		if len(document) > 1<<16 {
			t.Skip("is too long to be studied")
		}
		compare(t, document)
		compare(t, write(seed))
	})
}

func TestSkimFindsWhatStudyFinds(t *testing.T) {
	for _, document := range documents(t) {
		compare(t, document)
	}
	var right, accepted, wrong, studied int
	for seed := range uint64(10_000) {
		switch o := compare(t, write(seed)); {
		case !o.skimmed:
			studied++
		case o.found > 0:
			wrong++
		case o.doubtful > 0:
			right++
		default:
			right++
			accepted++
		}
	}
	t.Logf("%d right documents, of which %d at sight; %d wrong ones; %d studied", right, accepted, wrong, studied)
	if right < 1_500 || wrong < 3_000 || studied < 1_000 {
		t.Errorf("%d right, %d wrong and %d studied documents are too few of a kind to tell", right, wrong, studied)
	}
	if accepted < right*8/10 {
		t.Errorf("%d of %d right documents were accepted at sight, want most", accepted, right)
	}
}

// What is right is right at sight: otherwise nothing would be won.
func TestRightFlagsAreAcceptedAtSight(t *testing.T) {
	all := documents(t)
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "data", "*.flagd.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	all["many"] = manyFlags(100)
	// One of its flags has data that look like a call.
	inDoubt := map[string]int{filepath.FromSlash("testdata/clean.txtar"): 1}
	right := 0
	for name, document := range all {
		if len(lint.Study([]byte(document))) > 0 {
			continue
		}
		right++
		if _, doubtful, ok := lint.Skim([]byte(document)); !ok || doubtful != inDoubt[name] {
			t.Errorf("%s: %d flags of a document without a mistake are in doubt (%v)", name, doubtful, ok)
		}
	}
	if right < 3 {
		t.Errorf("%d documents are right, want some to try", right)
	}
}

type outcome struct {
	skimmed         bool
	found, doubtful int
}

func compare(t *testing.T, document string) outcome {
	t.Helper()
	data := []byte(document)
	want := lint.Study(data)
	if fast, slow := lint.Spelling(data), lint.Spell(data); told(fast) != told(slow) && utf8.Valid(data) {
		t.Errorf("Spelling of\n%q\nfinds\n%swant\n%s", document, told(fast), told(slow))
	}
	found, doubtful, ok := lint.Skim(data)
	if ok && lines(found) != lines(want) {
		t.Errorf("Skim of\n%s\nfinds\n%swant\n%s", document, told(found), told(want))
	}
	return outcome{ok, len(found), doubtful}
}

// lines are findings in an order of their own. That of pointers is not always
// one: 2 < 10 and 10 < 1a, but 1a < 2.
func lines(found []lint.Finding) string {
	list := strings.Split(told(found), "\n")
	slices.Sort(list)
	return strings.Join(slices.Compact(list), "\n")
}

func write(seed uint64) string {
	a := author{rand.New(rand.NewPCG(seed, 0)), []int{0, 5, 5, 20, 100}[seed%5]}
	document := a.document()
	if seed%10 == 7 {
		return a.mangled(document)
	}
	return document
}

// documents are those of all scripts here and of the evaluator, by name.
func documents(t testing.TB) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, pattern := range []string{"testdata/*.txtar", "../testdata/*.txtar", "../testdata/*/*.txtar"} {
		names, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no scripts %s: %v", pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, ok := strings.Cut(string(data), "-- flags.json --\n")
			if !ok {
				t.Fatalf("%s has no flags", name)
			}
			document, _, _ := strings.Cut(rest, "\n-- ")
			all[name] = document
		}
	}
	return all
}

func TestCirclesAreThoseOfSyntax(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 5_000 {
		refs := make(map[string][]string)
		n := 1 + r.IntN(7)
		for i := range n {
			for range r.IntN(3) {
				refs[fmt.Sprint(i)] = append(refs[fmt.Sprint(i)], fmt.Sprint(r.IntN(n+1)))
			}
		}
		of := func(name string) []string { return refs[name] }
		ask := lint.Circles(of)
		for start := range n {
			got, want := ask(fmt.Sprint(start)), syntax.Cycle(fmt.Sprint(start), of)
			if !slices.Equal(got, want) {
				t.Fatalf("the way from %d through %v is %v, want %v", start, refs, got, want)
			}
			if want != nil {
				found++
			}
		}
	}
	if found < 1_000 {
		t.Errorf("%d circles are too few to tell", found)
	}
}
