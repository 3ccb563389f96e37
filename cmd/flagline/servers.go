package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/flagline/flagline/admin/ledger"
)

// defaultDataDir is below the working directory, where a newcomer sees it.
const defaultDataDir = "flagline-data"

// devCommand runs everything on loopback.
func (a *app) devCommand() *cobra.Command {
	w := &workbench{out: a.out}
	var debug bool
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one terminal: NATS, the control plane, a sidecar, sample flags",
		Long: `Run everything in one terminal: NATS, the control plane, a sidecar, sample flags.

It listens on loopback only, keeps what it must not forget in --data-dir, and
ends with Ctrl-C. Port 0 takes a free one.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w.environment = a.environmentOr(defaultEnvironment)
			w.logger = a.logger(debug)
			return running(w.run(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.StringVar(&w.dataDir, "data-dir", defaultDataDir, "where streams, keys and snapshots are kept")
	f.StringVar(&w.listen, "listen", "127.0.0.1:8080", "where the API listens")
	f.StringVar(&w.natsListen, "nats-listen", "127.0.0.1:4222", "where NATS listens")
	f.StringVar(&w.natsURL, "nats-url", "", "use this NATS server instead of running one")
	f.StringVar(&w.credentials, "nats-creds", "", "file with the credential that owns the environments (default: what a local server left)")
	f.BoolVar(&w.noSamples, "no-samples", false, "begin without sample flags")
	f.BoolVar(&w.noSidecar, "no-sidecar", false, "run no sidecar")
	f.StringVar(&w.bind, "bind", "127.0.0.1", "address that the sidecar listens on")
	f.IntVar(&w.port, "port", 8013, "port for flagd's evaluation protocol")
	f.IntVar(&w.management, "management-port", 8014, "port for health, metrics and status")
	f.IntVar(&w.sync, "sync-port", 8015, "port for flagd's sync protocol")
	f.IntVar(&w.ofrep, "ofrep-port", 8016, "port for OFREP")
	f.StringVar(&w.readyFile, "ready-file", "", "file to write addresses and the token to, once everything is ready")
	f.BoolVar(&debug, "debug", false, "log in detail")
	return cmd
}

// natsCommand runs the NATS server alone.
func (a *app) natsCommand() *cobra.Command {
	var dataDir, listen string
	var environments []string
	var debug bool
	cmd := &cobra.Command{
		Use:   "nats",
		Short: "Run the NATS server of \"flagline dev\" alone",
		Long: `Run the NATS server of "flagline dev" alone.

Whoever connects from this machine may read the environments; only the
credential that it leaves for the user's own control plane may change them. For
anything but a workbench, run a NATS server of your own: "flagline nats config"
prints what it needs.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.settings.environment != "" {
				environments = []string{a.settings.environment}
			}
			return running(runNATS(cmd.Context(), dataDir, listen, environments, a.logger(debug), a.out))
		},
	}
	f := cmd.Flags()
	f.StringVar(&dataDir, "data-dir", defaultDataDir, "where streams and keys are kept")
	f.StringVar(&listen, "listen", "127.0.0.1:4222", "where NATS listens")
	f.StringSliceVar(&environments, "environments", []string{"dev", "staging", "prod"}, "what readers without a credential may follow")
	f.BoolVar(&debug, "debug", false, "log in detail")
	cmd.AddCommand(a.natsConfigCommand())
	return cmd
}

// serveCommand runs the control plane.
func (a *app) serveCommand() *cobra.Command {
	c := &controlPlane{}
	var debug bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the control plane: the only writer of its environments, and the REST API",
		Long: `Run the control plane: the only writer of its environments, and the REST API.

Without --environment it serves those that exist, and makes "dev" if there are
none. The token for the API is kept in the data directory, as admin.token.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.settings.environment != "" {
				c.environments = []string{a.settings.environment}
			}
			c.logger = a.logger(debug)
			c.ready = func(api, _ string, ledgers map[string]*ledger.Ledger) error {
				for name, l := range ledgers {
					c.logger.Info("serve environment", "environment", name, "generation", l.State().Generation())
				}
				_, err := io.WriteString(a.out, "The API listens on "+api+"\n")
				return err
			}
			return running(c.run(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.natsURL, "nats-url", "nats://127.0.0.1:4222", "the NATS servers, separated by commas")
	f.StringVar(&c.credentials, "nats-creds", "", "file with the credential that owns the environments (default: what a local server left)")
	f.StringVar(&c.listen, "listen", "127.0.0.1:8080", "where the API listens")
	f.StringVar(&c.dataDir, "data-dir", defaultDataDir, "where the token and the journal are kept")
	f.StringArrayVar(&c.signingKeys, "signing-key", nil, "file with a key to sign every change with; see \"flagline key\"; repeat it while a key is being replaced")
	f.BoolVar(&c.signExisting, "sign-existing", false, "begin to sign environments that were not signed before")
	f.IntVar(&c.replicas, "replicas", 1, "how many servers of a NATS cluster store an environment that is made")
	f.BoolVar(&debug, "debug", false, "log in detail")
	return cmd
}

func (a *app) environmentOr(name string) string {
	if a.settings.environment != "" {
		return a.settings.environment
	}
	return name
}

// logger writes to the error stream: output belongs to the command.
func (a *app) logger(debug bool) *slog.Logger {
	level := slog.LevelWarn
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// running is the error of something that runs until it is told to end.
func running(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
