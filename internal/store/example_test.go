package store_test

import (
	"fmt"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/source"
)

func Example() {
	st := store.New()
	sink := st.Add("flags.json") // a source's Watch would be handed this
	sink.Apply(source.Update{Replace: true, Records: []source.Record{{
		Key:  "new-checkout",
		Body: []byte(`{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}`),
	}}})

	if flag, ok := st.Current().Find(store.Selector{}, "new-checkout"); ok {
		answer := flag.Evaluate(evaluator.Context{"targetingKey": "user-7"})
		fmt.Println(answer.Value, answer.Reason)
	}
	// Output: true STATIC
}
