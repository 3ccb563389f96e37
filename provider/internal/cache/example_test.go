package cache_test

import (
	"context"
	"fmt"

	"github.com/flagline/flagline/provider/internal/cache"
)

func Example() {
	answers := cache.New[string](1000)
	answers.Listen() // the event stream is open

	ctx := context.Background()
	ask := func(user string) {
		ec := map[string]any{"targetingKey": user}
		answer, err := answers.Ask(ctx, "greeting", 0, ec, func(context.Context) (string, cache.Keep, error) {
			fmt.Println("asks the server for", user)
			return "good day, " + user, cache.ByContext, nil
		})
		fmt.Println(answer, err)
	}
	ask("ann")
	ask("ann")
	answers.Drop("greeting") // the event stream said that it changed
	ask("ann")

	stats := answers.Stats()
	fmt.Println(stats.Hits, "hit,", stats.Calls, "calls")
	// Output:
	// asks the server for ann
	// good day, ann <nil>
	// good day, ann <nil>
	// asks the server for ann
	// good day, ann <nil>
	// 1 hit, 2 calls
}
