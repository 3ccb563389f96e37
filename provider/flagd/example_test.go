package flagd_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	"github.com/flagline/flagline/provider"
	flagd "github.com/flagline/flagline/provider/flagd"
	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

// A program of flagd's provider works on as it is, but for the import.
func Example() {
	ctx := context.Background()
	p, err := flagd.NewProvider(
		flagd.WithFileResolver(),
		flagd.WithOfflineFilePath("testdata/flags.json"),
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	defer openfeature.Shutdown()

	client := openfeature.NewDefaultClient()
	visitor := openfeature.NewEvaluationContext("ada", map[string]any{"language": "en-GB"})
	fmt.Println(client.String(ctx, "greeting", "hello", visitor), "from", p.Metadata().Name)
	// Output: good day from flagd
}

// In-process, flags come from the sync port of a sidecar or of flagd. What the
// official provider cannot do is done with options of package provider.
func ExampleWithInProcessResolver() {
	ctx, stop := context.WithCancel(context.Background())
	addr, ended := runSidecar(ctx)
	defer func() {
		stop()
		if err := <-ended; err != nil {
			log.Print(err)
		}
	}()

	p, err := flagd.NewProvider(
		flagd.WithInProcessResolver(),
		flagd.WithTargetUri("dns:///"+addr),
		flagd.WithOptions(provider.WithDeadline(20*time.Second), provider.WithStaleAfter(time.Hour)),
	)
	if err != nil {
		log.Fatal(err)
	}
	api := isolated.NewAPI()
	defer func() { _ = api.Shutdown(ctx) }()
	if err := api.SetProviderAndWait(ctx, p); err != nil {
		log.Print(err)
	}
	fmt.Println(api.NewClient().String(ctx, "greeting", "hello", openfeature.EvaluationContext{}))
	// Output: hi
}

// runSidecar starts a sidecar that runs until ctx is done, and returns the
// address of its sync service.
func runSidecar(ctx context.Context) (addr string, ended <-chan error) {
	ready, end := make(chan sidecar.Addresses, 1), make(chan error, 1)
	go func() {
		end <- sidecar.Run(ctx, sidecar.Config{
			Sources: []source.Source{file.New("testdata/flags.json")},
			Ready:   func(a sidecar.Addresses) { ready <- a },
		})
	}()
	return (<-ready).Sync, end
}
