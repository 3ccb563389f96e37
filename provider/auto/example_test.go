package auto_test

import (
	"context"
	"fmt"
	"os"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider/auto"
)

// The program says nothing of where flags come from: it is started with
// FLAGLINE_RESOLVER=file here, and with FLAGLINE_NATS_URL elsewhere.
func Example() {
	_ = os.Setenv("FLAGLINE_RESOLVER", "file")
	_ = os.Setenv("FLAGLINE_OFFLINE_FLAG_SOURCE_PATH", "testdata/flags.json")
	defer func() {
		_ = os.Unsetenv("FLAGLINE_RESOLVER")
		_ = os.Unsetenv("FLAGLINE_OFFLINE_FLAG_SOURCE_PATH")
	}()

	ctx := context.Background()
	p, err := auto.New()
	if err != nil {
		fmt.Println(err) // what the environment says makes no sense
		return
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
		fmt.Println(err) // there are no flags yet; they count as soon as they come
	}
	defer openfeature.Shutdown()

	client := openfeature.NewDefaultClient()
	fmt.Println(client.String(ctx, "greeting", "hello", openfeature.EvaluationContext{}))
	// Output: hi
}
