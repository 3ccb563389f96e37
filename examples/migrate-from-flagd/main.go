// Command migrate-from-flagd is a program as users of flagd's Go provider have
// it. One line of it is not theirs: the import of package flagd.
//
// It prints what the flags of the checkout example say to one customer, and the
// banner again each time it changes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/open-feature/go-sdk/openfeature"

	flagd "github.com/flagline/flagline/provider/flagd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints to out until ctx is done. Where the flags come from is in the
// environment: FLAGD_RESOLVER, FLAGD_HOST, FLAGD_PORT and so on.
func run(ctx context.Context, out io.Writer) error {
	provider, err := flagd.NewProvider(
		flagd.WithDeadline(5000), // in milliseconds
		flagd.WithLRUCache(500),
		flagd.WithRetryBackoffMs(250),
		flagd.WithRetryGracePeriod(5), // in seconds
		flagd.WithEventStreamConnectionMaxAttempts(10),
	)
	if err != nil {
		return err
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, provider); err != nil {
		return err
	}
	defer openfeature.Shutdown()
	client := openfeature.NewClient("shop")

	changed := make(chan struct{}, 1)
	note := func(openfeature.EventDetails) {
		select {
		case changed <- struct{}{}:
		default: // is noted already
		}
	}
	client.AddHandler(openfeature.ProviderConfigChange, &note)

	customer := openfeature.NewEvaluationContext("ada", map[string]any{
		"user": "ada", "country": "DE", "email": "ada@vip.example.com",
	})
	fmt.Fprintln(out, "provider:", provider.Metadata().Name)
	if err := greet(ctx, out, client, customer); err != nil {
		return err
	}
	last := banner(ctx, client, customer)
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
		if now := banner(ctx, client, customer); now != last {
			last = now
			fmt.Fprintln(out, "banner:", now)
		}
	}
}

// greet prints what all flags say to the customer.
func greet(ctx context.Context, out io.Writer, client *openfeature.Client, customer openfeature.EvaluationContext) error {
	checkout, err1 := client.BooleanValueDetails(ctx, "new-checkout", true, customer)
	text, err2 := client.StringValueDetails(ctx, "banner", "Hello", customer)
	items, err3 := client.IntValueDetails(ctx, "max-items", 10, customer)
	prices, err4 := client.ObjectValueDetails(ctx, "pricing", nil, customer)
	support, err5 := client.BooleanValueDetails(ctx, "vip-support", false, customer)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	_, err := client.BooleanValueDetails(ctx, "old-checkout", true, customer) // there is none

	fmt.Fprintln(out, "new-checkout:", checkout.Value, checkout.Variant, checkout.Reason)
	fmt.Fprintln(out, "banner:", text.Value, text.Variant, text.Reason)
	fmt.Fprintln(out, "max-items:", items.Value, items.Variant, items.Reason)
	fmt.Fprintln(out, "pricing:", prices.Value, prices.Variant, prices.Reason)
	fmt.Fprintln(out, "vip-support:", support.Value, support.Variant, support.Reason)
	fmt.Fprintln(out, "old-checkout:", err != nil)
	return nil
}

func banner(ctx context.Context, client *openfeature.Client, customer openfeature.EvaluationContext) string {
	return client.String(ctx, "banner", "Hello", customer)
}
