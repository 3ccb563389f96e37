package reference_test

import (
	"sync"
	"testing"

	"github.com/flagline/flagline/evaluator/reference"
)

func TestAnswersAreInFlagdsWords(t *testing.T) {
	variants := map[string]any{"a": 1.0, "nothing": nil}
	for _, c := range []struct {
		flag reference.Flag
		ec   map[string]any
		want reference.Answer
	}{
		{
			flag: reference.Flag{Variants: variants, DefaultVariant: "a"},
			want: reference.Answer{Value: 1.0, Variant: "a", Reason: "STATIC"},
		},
		{
			flag: reference.Flag{Variants: variants},
			want: reference.Answer{Reason: reference.ReasonFallback},
		},
		{
			flag: reference.Flag{Variants: variants, DefaultVariant: "a", State: "DISABLED"},
			want: reference.Answer{Reason: "DISABLED"},
		},
		{
			flag: reference.Flag{Variants: variants, DefaultVariant: "nothing"},
			want: reference.Answer{Variant: "nothing", Reason: "ERROR", Code: "TYPE_MISMATCH"},
		},
		{
			flag: reference.Flag{Variants: variants, Targeting: []byte(`{"var":"x"}`)},
			ec:   map[string]any{"x": "a"},
			want: reference.Answer{Value: 1.0, Variant: "a", Reason: "TARGETING_MATCH"},
		},
		{
			flag: reference.Flag{Variants: variants, Targeting: []byte(`{"nosuch":1}`)},
			want: reference.Answer{Reason: "ERROR", Code: "PARSE_ERROR"},
		},
		{
			flag: reference.Flag{Variants: variants, Targeting: []byte(`{"var":"x"}`)},
			ec:   map[string]any{"x": make(chan int)},
			want: reference.Answer{Reason: "ERROR", Code: "ERROR"},
		},
		{
			flag: reference.Flag{Variants: variants, Targeting: []byte(`{"var":"x"}`)},
			ec:   map[string]any{"x": panics{}},
			want: reference.Answer{Reason: "ERROR", Code: reference.CodePanic},
		},
	} {
		if got := c.flag.Evaluate(c.ec); got != c.want {
			t.Errorf("%+v for %v: got %+v, want %+v", c.flag, c.ec, got, c.want)
		}
	}
}

type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no") }

func TestFlagsAreEvaluatedSideBySide(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f := reference.Flag{Variants: map[string]any{"a": true}, Targeting: []byte(`{"fractional":["u",["a",1]]}`)}
			for range 50 {
				if got := f.Evaluate(nil); got.Variant != "a" {
					t.Errorf("got %+v, want variant a", got)
				}
			}
		})
	}
	wg.Wait()
}
