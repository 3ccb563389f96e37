package evaluator_test

import (
	commandline "flag"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/jsonlogic"
	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
	"github.com/flagline/flagline/evaluator/reference"
)

// How many generated rules are compared, and which. Each is asked in several
// contexts. Millions are a matter of minutes:
//
//	go test ./evaluator -run TestGeneratedRules -v -timeout 2h -args -differ.cases 10000000 -differ.seed 7
var (
	differCases = commandline.Uint64("differ.cases", 30_000, "how many generated rules are compared with flagd's answers")
	differFind  = commandline.Int64("differ.find", 1, "how many differences are looked for before the comparison ends")
	differSeed  = commandline.Uint64("differ.seed", 1, "which rules are generated")
)

// A run of many cases asks for whole flags, which takes ten times as long as
// rules, only in one case of so many.
const (
	manyCases = 100_000
	flagEvery = 64
)

// An evaluation answers a rule in a context.
type evaluation func(ec *differ.Context) differ.Answer

// compileRule returns our evaluation of a rule.
func compileRule(c *differ.Case) (evaluation, error) {
	program, err := jsonlogic.Compile(c.Rule)
	if err != nil {
		return nil, err
	}
	return func(ec *differ.Context) differ.Answer {
		return differ.AnswerOf(program.Value(jsonlogic.Input{Context: ec.Given, FlagKey: c.FlagKey, Now: c.Now}))
	}, nil
}

func TestGeneratedRulesAnswerAsFlagdDoes(t *testing.T) {
	differ.Prepare()
	if *differCases > manyCases { // little is alive at any time: collect it seldom
		defer debug.SetGCPercent(debug.SetGCPercent(800))
	}
	const workers = 2
	var wg sync.WaitGroup
	var found atomic.Int64
	tallies := make([]tally, workers)
	began := time.Now()
	for w := range workers {
		wg.Go(func() {
			for n := uint64(w); n < *differCases && found.Load() < *differFind; n += workers {
				whole := *differCases <= manyCases || n/workers%flagEvery == 0
				if what := compareCase(differ.Make(*differSeed, n), whole, &tallies[w]); what != "" {
					t.Errorf("case %d of seed %d: %s", n, *differSeed, what)
					found.Add(1)
				}
			}
		})
	}
	wg.Wait()
	var all tally
	for _, one := range tallies {
		all.add(one)
	}
	t.Logf("%d cases of seed %d, %d evaluations of rules and %d of flags, %.0f evaluations/s",
		*differCases, *differSeed, all.evaluations, all.flags, float64(all.evaluations+all.flags)/time.Since(began).Seconds())
	if !t.Failed() {
		all.check(t)
	}
}

// compareCase returns what is wrong with our answers to a case, or "".
func compareCase(c *differ.Case, whole bool, counts *tally) (what string) {
	defer func() {
		if r := recover(); r != nil {
			what = fmt.Sprintf("panic: %v\n%s", r, panicking(c))
		}
	}()
	evaluate, err := compileRule(c)
	if err != nil {
		return fmt.Sprintf("the rule does not compile: %v\n%s", err, differ.Text(c.Rule))
	}
	for i := range c.Contexts {
		got := evaluate(&c.Contexts[i])
		v := c.Judge(i, got)
		counts.countRule(v)
		if !v.Right {
			return explain(c, i)
		}
	}
	if whole {
		return compareFlag(c, counts)
	}
	return ""
}

// panicking returns the smallest rule and context that make us panic, as c does.
func panicking(c *differ.Case) string {
	panics := func(d *differ.Case) (yes bool) {
		defer func() { yes = recover() != nil }()
		if evaluate, err := compileRule(d); err == nil {
			evaluate(&d.Contexts[0])
		}
		return false
	}
	for i := range c.Contexts {
		if small := differ.Shrink(c, i, panics); small != nil {
			return fmt.Sprintf("rule    %s\ncontext %s", differ.Text(small.Rule), differ.Text(small.Contexts[0].Seen))
		}
	}
	return fmt.Sprintf("rule    %s", differ.Text(c.Rule))
}

// explain returns a difference, made as small as it gets.
func explain(c *differ.Case, i int) string {
	small := differ.Shrink(c, i, func(d *differ.Case) bool {
		evaluate, err := compileRule(d)
		return err == nil && !d.Judge(0, evaluate(&d.Contexts[0])).Right
	})
	note := ""
	if small == nil { // an earlier context made the difference
		small, note = c, "only after the contexts before it: "
		evaluate, err := compileRule(c)
		if err != nil {
			return err.Error()
		}
		for j := range i {
			evaluate(&c.Contexts[j])
		}
		return note + tell(small, i, evaluate(&c.Contexts[i]))
	}
	evaluate, err := compileRule(small)
	if err != nil {
		return err.Error()
	}
	return tell(small, 0, evaluate(&small.Contexts[0]))
}

func tell(c *differ.Case, i int, got differ.Answer) string {
	return fmt.Sprintf("\nrule    %s\ncontext %s\ngiven   %#v\ngot     %v\nflagd   %v",
		differ.Text(c.Rule), differ.Text(c.Contexts[i].Seen), c.Contexts[i].Given, got, c.Judge(i, got).Want)
}

// compareFlag compares our answers for a flag, whose variants are named by what
// the rule may yield, with those of flagd.
func compareFlag(c *differ.Case, counts *tally) string {
	variants := variantsFor(c)
	oracle := reference.Flag{Key: c.FlagKey, Variants: variants, Targeting: []byte(differ.Text(c.Rule))}
	definition := map[string]any{"variants": variants, "targeting": c.Rule}
	if len(oracle.Targeting)%5 > 0 { // four flags of five have a default variant
		oracle.DefaultVariant = "on"
		definition["defaultVariant"] = "on"
	}
	f, err := evaluator.CompileFlag(c.FlagKey, []byte(differ.Text(definition)), nil)
	if err != nil {
		return fmt.Sprintf("the flag does not compile: %v\n%s", err, differ.Text(definition))
	}
	for i := range c.Contexts {
		if !c.AsFlagd(i) {
			continue // and so the level of rules has looked at it already
		}
		if what := compareAnswers(f, &oracle, c.Contexts[i].Given, counts); what != "" {
			return fmt.Sprintf("%s\nflag    %s\ncontext %s", what, differ.Text(definition), differ.Text(c.Contexts[i].Seen))
		}
	}
	return ""
}

// compareAnswers asks again if the answers differ: the second that flagd reads
// from the clock may have passed between them. The context is one that JSON can
// carry, so none of flagd's codes needs to be translated.
func compareAnswers(f *evaluator.Flag, oracle *reference.Flag, ec evaluator.Context, counts *tally) string {
	var got, want reference.Answer
	for range 3 {
		got, want = inFlagdsWords(f.Evaluate(ec)), oracle.Evaluate(ec)
		if want.Reason == reference.ReasonFallback {
			want = reference.Answer{Reason: string(evaluator.ReasonDefault)}
		}
		if want.Code != "" {
			want.Value, want.Variant = nil, ""
		}
		if reflect.DeepEqual(got, want) {
			counts.countFlag(want)
			return ""
		}
	}
	return fmt.Sprintf("\ngot     %+v\nflagd   %+v", got, want)
}

func inFlagdsWords(r evaluator.Resolution) reference.Answer {
	a := reference.Answer{Value: r.Value, Variant: r.Variant, Reason: string(r.Reason)}
	if r.Err != nil {
		a.Code = string(r.Err.Code)
	}
	return a
}

// variantsFor names variants by the texts of the rule, and by some results
// that every rule may have; with them, what the rule yields can be told apart.
// One has no value, and some have names that flagd never finds.
func variantsFor(c *differ.Case) map[string]any {
	variants := map[string]any{
		"true": true, "false": "no", "1": 1.0, "0": 0.0, "1.5": []any{1.5}, "a": "A", "on": map[string]any{"x": 1.0}, "free": nil,
		"[]": 2.0, "{}": 3.0, "[a]": 4.0, "1e+21": 5.0, `"quoted"`: 6.0, "&": 7.0, "-0": 8.0, "null": 9.0, "18": 10.0, "2": 11.0,
	}
	for s := range differ.Texts(c.Rule) {
		if len(variants) < 48 && len(s)%3 != 2 {
			if _, ok := variants[s]; !ok {
				variants[s] = strings.ToUpper(s)
			}
		}
	}
	return variants
}

// FuzzRuleAnswersAsFlagd lets the fuzzer choose rule and contexts.
func FuzzRuleAnswersAsFlagd(f *testing.F) {
	differ.Prepare()
	f.Fuzz(func(t *testing.T, choices []byte) {
		var counts tally
		if what := compareCase(differ.FromBytes(choices), true, &counts); what != "" {
			t.Error(what)
		}
	})
}
