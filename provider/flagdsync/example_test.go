package flagdsync_test

import (
	"context"
	"fmt"

	flagd "github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/provider/flagdsync"
	"github.com/flagline/flagline/source/file"
	"github.com/flagline/flagline/source/natskv"
)

// What flagd gets of any source of ours.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	flags := flagdsync.New(file.New("testdata/flags.json"))
	updates, ended := make(chan flagd.DataSync), make(chan error)
	go func() { ended <- flags.Sync(ctx, updates) }()

	update := <-updates
	fmt.Println(update.Source)
	fmt.Println(update.FlagData)
	cancel()
	fmt.Println(<-ended)
	// Output:
	// syncprovider://custom
	// {"flags":{"new-checkout":{"state":"ENABLED","defaultVariant":"off","variants":{"off":false,"on":true},"metadata":{"flagSetId":"shop"}}}}
	// <nil>
}

// What is wrong with the configuration is told when the provider is set.
func ExampleFromNATS() {
	flags := flagdsync.FromNATS(natskv.Config{Servers: "nats://localhost:4222"})
	fmt.Println(flags.Init(context.Background()))
	// Output:
	// flags for flagd from NATS: environment "": a name has 1 to 32 characters
}
