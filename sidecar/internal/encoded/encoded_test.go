package encoded_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

func compile(t testing.TB, definition string) *evaluator.Flag {
	t.Helper()
	f, err := evaluator.CompileFlag("a \"flag\"", []byte(definition), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func answer(f *evaluator.Flag, counts *tally.Tally, ec evaluator.Context) *encoded.Answer {
	r := f.Evaluate(ec)
	return encoded.Of(f, counts).Answer(&r)
}

func TestEachAnswerIsEncodedOnce(t *testing.T) {
	f := compile(t, `{"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"var":"want"}}`)
	counts := tally.New()
	first := answer(f, counts, nil)
	if answer(f, counts, nil) != first {
		t.Error("the same answer is encoded twice")
	}
	on, off := answer(f, counts, evaluator.Context{"want": "on"}), answer(f, counts, evaluator.Context{"want": "off"})
	if on == first || off == first || on == off {
		t.Error("answers that differ are the same")
	}
	if off.Hash == first.Hash || off.Hash == on.Hash {
		t.Error("answers that differ have the same hash")
	}
}

func TestAnswersAreTheSameWhoeverIsFirst(t *testing.T) {
	var variants []string
	for i := range 40 { // more than are found without hashing
		variants = append(variants, fmt.Sprintf(`"v%d":%d`, i, i))
	}
	f := compile(t, `{"variants":{`+strings.Join(variants, ",")+`},"targeting":{"var":"want"}}`)
	counts := tally.New()
	var callers sync.WaitGroup
	results := make([][40]*encoded.Answer, 4)
	for c := range results {
		callers.Go(func() {
			for i := range results[c] {
				results[c][i] = answer(f, counts, evaluator.Context{"want": fmt.Sprint("v", i)})
			}
		})
	}
	callers.Wait()
	for _, other := range results[1:] {
		if other != results[0] {
			t.Fatal("two callers were given different encodings of an answer")
		}
	}
	for i, a := range results[0] {
		if string(a.ValueJSON) != fmt.Sprint(i) || a.Variant != fmt.Sprint("v", i) {
			t.Errorf("answer %d is %s, %s", i, a.Variant, a.ValueJSON)
		}
	}
}

func TestOFREPSaysWhatFlagdSays(t *testing.T) {
	const settled = `{"variants":{"on":{"a":[1,"<b>"]},"none":null},"metadata":{"team":"é"},"targeting":{"var":"want"}}`
	for want, test := range map[string]struct {
		status int
		body   string
	}{
		"on":   {http.StatusOK, `{"value":{"a":[1,"<b>"]},"key":"a \"flag\"","reason":"TARGETING_MATCH","variant":"on","metadata":{"team":"é"}}`},
		"":     {http.StatusOK, `{"key":"a \"flag\"","reason":"DEFAULT","metadata":{"team":"é"}}`},
		"gone": {http.StatusBadRequest, `{"key":"a \"flag\"","errorCode":"GENERAL","errorDetails":"error processing the flag for evaluation","metadata":{"team":"é"}}`},
		"none": {http.StatusBadRequest, `{"key":"a \"flag\"","errorCode":"GENERAL","errorDetails":"error processing the flag for evaluation","metadata":{"team":"é"}}`},
	} {
		ec := evaluator.Context{"want": want}
		if want == "" {
			ec = nil
		}
		a := answer(compile(t, settled), tally.New(), ec)
		var got, wanted any
		if err := json.Unmarshal(a.OFREP, &got); err != nil {
			t.Fatalf("the body %s is not JSON: %v", a.OFREP, err)
		}
		if err := json.Unmarshal([]byte(test.body), &wanted); err != nil {
			t.Fatal(err)
		}
		if a.Status != test.status || !reflect.DeepEqual(got, wanted) {
			t.Errorf("%q is answered with %d %s, want %d %s", want, a.Status, a.OFREP, test.status, test.body)
		}
	}
}

func TestErrorsAreCountedAsWhatTheyAre(t *testing.T) {
	counts := tally.New()
	answer(compile(t, `{"variants":{"on":true},"targeting":"gone"}`), counts, nil).Count.Single()
	for a, figures := range counts.All() {
		if a.Code != evaluator.CodeGeneral || figures.Single != 1 {
			t.Errorf("%+v was counted as %+v", a, figures)
		}
	}
}

func TestAnAnswerThatWasGivenBeforeAllocatesNothing(t *testing.T) {
	f := compile(t, `{"variants":{"on":true},"defaultVariant":"on"}`)
	counts := tally.New()
	if got := testing.AllocsPerRun(1000, func() { answer(f, counts, nil).Count.Single() }); got > 0 {
		t.Errorf("it takes %v allocations", got)
	}
}

func TestADefinitionStandsUnderItsKey(t *testing.T) {
	f := compile(t, `{"variants":{"on":true},"owner":"me"}`)
	of := encoded.Of(f, tally.New())
	want := `"a \"flag\"":{"state":"ENABLED","defaultVariant":"","variants":{"on":true}}`
	for range 2 {
		if got := of.Definition(f); string(got) != want {
			t.Errorf("the member is %s, want %s", got, want)
		}
	}
	broken := evaluator.BrokenFlag("b", nil)
	if got := encoded.Of(broken, tally.New()).Definition(broken); got != nil {
		t.Errorf("a flag that never compiled is handed on as %s", got)
	}
}
