package sloghook_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/memprovider"

	"github.com/flagline/flagline/provider/sloghook"
)

// A misspelt flag is mentioned once, however often it is asked for.
func Example() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: timeless}))
	openfeature.AddHooks(sloghook.New(logger))
	defer openfeature.Shutdown() // forgets the hooks of this example

	if err := openfeature.SetProviderAndWait(memprovider.NewInMemoryProvider(nil)); err != nil {
		logger.Error("set the provider", "err", err)
	}
	client := openfeature.NewDefaultClient()
	for range 1000 {
		client.Boolean(context.Background(), "new-chekcout", false, openfeature.EvaluationContext{})
	}
	// Output: level=WARN msg="answer with the default value" flag=new-chekcout err="error code: FLAG_NOT_FOUND: flag for key new-chekcout not found"
}
