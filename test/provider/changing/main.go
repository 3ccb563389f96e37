// Command changing is a sidecar whose flags change a thousand times a second for
// as long as a file exists.
//
//	changing ADDRESS DOCUMENT SWITCH
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/flagline/flagline/sidecar"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/test/provider/churn"
)

const perSecond = 1000

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "changing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want an address and two files", len(args))
	}
	document, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	flags, err := churn.New(document, perSecond, func() bool {
		_, err := os.Stat(args[2])
		return err == nil
	})
	if err != nil {
		return err
	}
	return sidecar.Run(ctx, sidecar.Config{
		Sources:    []source.Source{flags},
		Evaluation: sidecar.Door{Address: args[0]},
	})
}
