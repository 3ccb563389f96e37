package differ_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/diegoholiveira/jsonlogic/v3"

	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
)

func TestASeedAndANumberMakeOneCase(t *testing.T) {
	for n := range uint64(2000) {
		a, b := differ.Make(1, n), differ.Make(1, n)
		if !reflect.DeepEqual(a.Rule, b.Rule) {
			t.Fatalf("case %d is made as %s and as %s", n, differ.Text(a.Rule), differ.Text(b.Rule))
		}
		for i := range a.Contexts {
			if x, y := differ.Text(a.Contexts[i].Seen), differ.Text(b.Contexts[i].Seen); x != y {
				t.Fatalf("context %d of case %d is made as %s and as %s", i, n, x, y)
			}
		}
	}
	if differ.Text(differ.Make(1, 1).Rule) == differ.Text(differ.Make(2, 1).Rule) {
		t.Error("another seed makes the same case")
	}
}

func TestAnyBytesMakeACase(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	rules := make(map[string]bool)
	for n := range 2000 {
		choices := make([]byte, n%400)
		for i := range choices {
			choices[i] = byte(random.Uint32())
		}
		rules[differ.Text(differ.FromBytes(choices).Rule)] = true
	}
	if len(rules) < 1000 {
		t.Errorf("2000 strings of bytes make %d rules, want at least 1000", len(rules))
	}
}

// The rules are as decoding JSON gives them, so they need not be encoded for
// flagd's engine; nor need the contexts, once they are what flagd would see.
func TestTreesGetTheAnswersThatTextGets(t *testing.T) {
	differ.Prepare()
	odd := 0
	for n := range uint64(3000) {
		c := differ.Make(3, n)
		for i, ec := range c.Contexts {
			want, err := json.Marshal(ec.Given)
			if (err != nil) != (ec.Seen == nil) && !tooLarge(want) {
				t.Fatalf("case %d, context %d: seen as %v, and encodes with %v", n, i, ec.Seen, err)
			}
			if ec.Seen == nil {
				odd++
				continue
			}
			seen := maps.Clone(ec.Seen)
			properties := seen["$flagd"]
			delete(seen, "$flagd")
			var decoded map[string]any
			if err := json.Unmarshal(want, &decoded); err != nil {
				t.Fatal(err)
			}
			delete(decoded, "$flagd") // takes flagd's place in vain
			if !reflect.DeepEqual(decoded, seen) {
				t.Fatalf("case %d, context %d: seen as %v, and decoded as %v", n, i, seen, decoded)
			}
			decoded["$flagd"] = properties
			if c.AsFlagd(i) {
				compareWithText(t, c.Rule, decoded, ec.Seen)
			}
		}
	}
	if odd == 0 {
		t.Error("JSON could carry every context")
	}
}

func tooLarge(data []byte) bool { return strings.Contains(string(data), "1e400") }

func compareWithText(t *testing.T, rule, decoded, seen any) {
	t.Helper()
	var out strings.Builder
	err := jsonlogic.Apply(strings.NewReader(differ.Text(rule)), strings.NewReader(differ.Text(decoded)), &out)
	fromText := differ.Answer{Failed: err != nil}
	if err == nil {
		if err := json.Unmarshal([]byte(out.String()), &fromText.Value); err != nil {
			t.Fatal(err)
		}
	}
	fromTree := differ.AnswerOf(jsonlogic.ApplyInterface(rule, seen))
	if !fromText.Equal(fromTree) {
		t.Fatalf("%s in %s: %v as text, %v as a tree", differ.Text(rule), differ.Text(seen), fromText, fromTree)
	}
}

func TestEveryOperatorIsGenerated(t *testing.T) {
	counts := make(map[string]int)
	for n := range uint64(5000) {
		countCalls(differ.Make(1, n).Rule, counts)
	}
	for operator := range strings.FieldsSeq(`and or ! !! if ?: == != === !== < <= > >= + - * / % max min abs cat substr in
		var set missing missing_some merge map filter reduce all none some contains_all contains_any contains_none
		fractional sem_ver starts_with ends_with`) {
		if counts[operator] < 50 {
			t.Errorf("%q occurs %d times in 5000 rules, want at least 50", operator, counts[operator])
		}
	}
}

func countCalls(v any, counts map[string]int) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			countCalls(element, counts)
		}
	case map[string]any:
		for name, member := range v {
			if len(v) == 1 {
				counts[name]++
			}
			countCalls(member, counts)
		}
	}
}

// What is expected of an engine where flagd's executes data: the value, as any
// other data would come out.
func TestDataStaysData(t *testing.T) {
	differ.Prepare()
	for _, c := range []struct{ rule, ec, want string }{
		{`{"if":[true,{"var":"o"}]}`, `{"o":{"==":[1,1]}}`, `{"==":[1,1]}`},
		{`{"if":[true,{"var":"o"}]}`, `{"o":{"nosuch":1}}`, `{"nosuch":1}`},
		{`{"if":[true,{"var":"o"}]}`, `{"o":{}}`, `{}`},
		{`{"if":[true,{"if":[false,1,{"var":"o"}]}]}`, `{"o":{"var":"x"},"x":1}`, `{"var":"x"}`},
		{`{"var":"o"}`, `{"o":{"==":[1,1]}}`, `{"==":[1,1]}`},
		{`{"map":[[{"var":"x"}],{"if":[true,{"var":""}]}]}`, `{}`, `[{"var":"x"}]`},
		{`{"set":[{"var":"o"},"k",{"var":"o"}]}`, `{"o":{"!":1}}`, `{"!":1,"k":{"!":1}}`},
		{`{"if":[true,{"set":[{},"k",1]}]}`, `{}`, `{"k":1}`},
		{`{"if":[{"var":"o"},"yes","no"]}`, `{"o":{"!":1}}`, `"yes"`},
		{`{"some":[[1],{"==":[{"var":"o"},1]}]}`, `{"o":{"+":[1]}}`, `false`},
		{`{"filter":[[1,2],{"some":[[1],{"in":[1,[{"var":"list"}]]}]}]}`, `{"list":[{"var":"a"},1]}`, `error`},
		{`{"filter":[[1],{"filter":[[1],{"var":"o"}]}]}`, `{"o":{"var":"o"}}`, `[1]`},
		{`{"all":[[""],{"none":[[{"var":{"cat":""}}],{"id":0,"name":""}]}]}`, `{}`, `false`},
		{`{"filter":[[[{"var":[]}]],{"some":[[""],{"var":"0"}]}]}`, `{}`, `[[{"var":[]}]]`},
		{`{"all":[[{"var":"x"}],{"some":[[0],{"var":[]}]}]}`, `{"x":0}`, `true`},
		{`{"missing":{"var":"list"}}`, `{"list":["a",["b"]]}`, `["a",["b"]]`},
	} {
		wanted := differ.Answer{Failed: c.want == "error"}
		if !wanted.Failed {
			wanted.Value = parse(t, c.want)
		}
		given, _ := parse(t, c.ec).(map[string]any)
		if v := differ.New(parse(t, c.rule), given).Judge(0, wanted); !v.Right {
			t.Errorf("%s in %s: want %s, and the judge wants %v", c.rule, c.ec, c.want, v.Want)
		}
	}
}

// The judge must not let everything pass.
func TestJudgeRejectsWrongAnswers(t *testing.T) {
	differ.Prepare()
	wrong := map[string]any{"no rule": "yields this"}
	rejected, all := 0, 0
	for n := range uint64(2000) {
		c := differ.Make(5, n)
		for i := range c.Contexts {
			all++
			if !c.Judge(i, differ.Answer{Value: wrong}).Right {
				rejected++
			}
		}
	}
	if rejected*100 < all*99 {
		t.Errorf("the judge rejects %d of %d wrong answers, want 99 of 100", rejected, all)
	}
}

func TestShrinkFindsWhatMakesTheDifference(t *testing.T) {
	rule := parse(t, `{"if":[{"and":[{"==":[{"var":"plan"},"free"]},{"in":["x",{"cat":["ab",{"var":"name"}]}]}]},{"sem_ver":[{"var":"version"},">=","1.0.0"]},"no"]}`)
	given := map[string]any{"plan": "free", "name": "xyz", "version": "1.2.3", "age": 18.0}
	c := differ.New(rule, given)
	small := differ.Shrink(c, 0, func(d *differ.Case) bool {
		return strings.Contains(differ.Text(d.Rule), "sem_ver") && d.Contexts[0].Given["version"] != nil
	})
	if small == nil {
		t.Fatal("Shrink finds nothing in a case that differs")
	}
	if got := differ.Text(small.Rule) + " " + differ.Text(small.Contexts[0].Given); len(got) > 40 {
		t.Errorf("Shrink leaves %s", got)
	}
	if differ.Shrink(c, 0, func(*differ.Case) bool { return false }) != nil {
		t.Error("Shrink finds something in a case that does not differ")
	}
}

func TestTextsAreThoseOfTheRule(t *testing.T) {
	got := slices.Collect(differ.Texts(parse(t, `{"b":["x",{"c":"y"},1],"a":"z"}`)))
	if want := []string{"z", "x", "y"}; !slices.Equal(got, want) {
		t.Errorf("Texts = %v, want %v", got, want)
	}
}

func parse(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
