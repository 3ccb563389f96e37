// Command checkout is a small shop that asks Flagline how to behave.
//
// It answers GET /?user=ada&country=DE with what it decided and why. How it
// gets its answers, from a sidecar or in-process, is settled in flagProvider;
// the shop itself sees only OpenFeature.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/provider"
	"github.com/flagline/flagline/source/natskv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	opts, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, opts, log, func(addr string) { log.Info("open the shop", "addr", "http://"+addr) })
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		log.Error("close the shop", "err", err)
		os.Exit(1)
	}
}

type options struct {
	mode, listen, sidecar, file               string
	nats, environment, credentials, snapshots string
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("checkout", flag.ContinueOnError)
	set.StringVar(&o.mode, "mode", "sidecar", "how to evaluate flags: sidecar or in-process")
	set.StringVar(&o.listen, "listen", "127.0.0.1:8090", "where to serve")
	set.StringVar(&o.sidecar, "sidecar", "localhost:8013", "the sidecar to ask, in sidecar mode")
	set.StringVar(&o.nats, "nats", "nats://127.0.0.1:4222", "the NATS server to follow, in-process")
	set.StringVar(&o.environment, "environment", "dev", "the environment to follow, in-process")
	set.StringVar(&o.credentials, "credentials", "", "a file with a NATS credential")
	set.StringVar(&o.snapshots, "snapshot-dir", "", "where to keep the newest flags for the next start, in-process")
	set.StringVar(&o.file, "flags", "", "a file of flags to follow instead of NATS, in-process")
	return o, set.Parse(args)
}

// flagProvider decides where answers come from.
func flagProvider(o options, log *slog.Logger) (*provider.Provider, error) {
	switch {
	case o.mode == "sidecar":
		return provider.New(provider.WithLogger(log), provider.WithSidecar(o.sidecar))
	case o.mode != "in-process":
		return nil, fmt.Errorf("mode %q: there are sidecar and in-process", o.mode)
	case o.file != "":
		return provider.New(provider.WithLogger(log), provider.WithFile(o.file))
	}
	src, err := natskv.New(natskv.Config{
		Servers: o.nats, Environment: o.environment, Credentials: o.credentials,
		SnapshotDir: o.snapshots, Service: "checkout", Logger: log,
	})
	if err != nil {
		return nil, err
	}
	// Without NATS, the snapshot of the last run counts after a second.
	return provider.New(provider.WithLogger(log), provider.WithSource(src), provider.WithDeadline(3*time.Second))
}

// run keeps the shop open until ctx is done.
func run(ctx context.Context, o options, log *slog.Logger, opened func(addr string)) error {
	p, err := flagProvider(o, log)
	if err != nil {
		return err
	}
	if err := openfeature.SetProviderWithContextAndWait(ctx, p); err != nil {
		log.Warn("open with default values", "err", err) // flags that come later count
	}
	defer openfeature.Shutdown()

	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: shop(openfeature.NewDefaultClient()), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	opened(l.Addr().String())

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = srv.Shutdown(drain)
	if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
