package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// An app is one run of the program: where it reads and writes, and what it was
// asked for.
type app struct {
	in       io.Reader
	out, err io.Writer
	terminal bool // out is one
	color    bool
	env      func(name string) (value string, ok bool)

	settings settings
	begun    bool // the command line was understood
}

// run runs the command that args name and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if !a.begun {
		err = usage("%v", err)
	}
	return a.fail(err, args)
}

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "flagline",
		Short: "Change feature flags, and see every service follow a moment later",
		Long: `Change feature flags, and see every service follow a moment later.

Every setting is also read from the environment: --token-file from
FLAGLINE_TOKEN_FILE, and so on. Output is text on a terminal and JSON
otherwise.

Exit codes: 0 ok, 1 a negative answer (diff, lint, invalid input), 2 usage,
3 not found, 4 denied, 5 conflict, 6 approval required, 7 not converged in
time, 8 unavailable, 10 internal.`,
		Args:              words,
		RunE:              help,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.begin,
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	a.settings.register(root.PersistentFlags())
	root.AddCommand(
		a.flagCommand(),
		a.applyCommand(),
		a.diffCommand(),
		a.exportCommand(),
		a.lintCommand(),
		a.fleetCommand(),
		a.envCommand(),
		a.keyCommand(),
		a.devCommand(),
		a.natsCommand(),
		a.serveCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.versionCommand(),
	)
	return root
}

// begin reads the settings that the command line left open from the
// environment. It runs before every command.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || err != nil {
			return
		}
		name := strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		// An operator puts FLAGD_ before everything it is given.
		for _, prefix := range []string{"FLAGLINE_", "FLAGD_FLAGLINE_", "FLAGD_"} {
			value, ok := a.env(prefix + name)
			if !ok || value == "" || strings.HasSuffix(name, "PORT") && strings.Contains(value, "://") {
				continue // Kubernetes sets FLAGD_PORT=tcp://… for a service of that name
			}
			if wrong := cmd.Flags().Set(f.Name, value); wrong != nil {
				err = fmt.Errorf("%s%s: %w", prefix, name, wrong)
			}
			return
		}
	})
	if err != nil {
		return err
	}
	if err := a.settings.check(); err != nil {
		return err
	}
	a.begun = true
	return nil
}

// noun returns a command that only groups others.
func noun(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: words, RunE: help}
	cmd.AddCommand(commands...)
	return cmd
}

// words refuses what follows a command that only groups others.
func words(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("there is no command %q; see %q", cmd.CommandPath()+" "+args[0], cmd.CommandPath()+" --help")
}

func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// arguments demands between least and most arguments, which what describes.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		return fmt.Errorf("%q takes %s, not %d arguments; see %q",
			cmd.CommandPath(), what, len(args), cmd.CommandPath()+" --help")
	}
}

var oneKey = arguments(1, 1, "the key of one flag")
