// Command flagline-sidecar answers feature flags to the service beside it. It
// takes flagd's place: same ports, same protocols, same settings.
//
//	flagline-sidecar start --uri file:flags.json
//	flagline-sidecar start --uri nats://localhost:4222/prod
//
// Every setting NAME-X is also read from the environment, as FLAGLINE_NAME_X,
// FLAGD_FLAGLINE_NAME_X or FLAGD_NAME_X, and from the file that --config names,
// or else from .agent.yaml in the user's home. The command line wins over the
// environment, and that over the file.
//
// It exits with 0 when it was told to end, 2 if its settings make no sense, 8
// if it cannot listen and 10 if anything else keeps it from going on.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

const (
	exitOK          = 0
	exitUsage       = 2
	exitUnavailable = 8
	exitInternal    = 10
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once the first signal has arrived, the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes the command that args name and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := command(ctx, stdout, stderr)
	root.SetArgs(args)
	err := root.Execute()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "flagline-sidecar:", err)
	}
	return exitCode(err)
}

// A serveError is what ended a sidecar whose settings were right.
type serveError struct{ err error }

func (e *serveError) Error() string { return e.err.Error() }
func (e *serveError) Unwrap() error { return e.err }

// exitCode takes everything that did not come out of serving for a mistake in
// the command.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if _, ok := errors.AsType[*serveError](err); !ok {
		return exitUsage
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return exitUnavailable
	}
	return exitInternal
}

func command(ctx context.Context, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "flagline-sidecar",
		Short:         "Answer feature flags to the service beside it",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.SetVersionTemplate(versionLine())
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(startCommand(ctx, stderr), versionCommand(stdout))
	return root
}

func versionCommand(stdout io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(stdout, versionLine())
			return err
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("flagline-sidecar %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// version is that of the module, as the Go tool knows it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
