package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) fleetCommand() *cobra.Command {
	return noun("fleet", "Look at the running sidecars and providers", &cobra.Command{
		Use:   "status",
		Short: "List the instances and the generations that they are on",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			fleet, err := s.Fleet(ctx, s.environment)
			if err != nil {
				return err
			}
			return a.show(fleet, func(p *page) { showFleet(p, fleet) })
		},
	})
}

func (a *app) envCommand() *cobra.Command {
	return noun("env", "Look at environments", &cobra.Command{
		Use:   "list",
		Short: "List the environments of the server",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), a.settings.timeout)
			defer cancel()
			all, err := c.Environments(ctx)
			if err != nil {
				return err
			}
			return a.show(all, func(p *page) { showEnvironments(p, all) })
		},
	})
}

// A build is what the version command prints.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			return a.show(b, func(p *page) { p.linef("flagline %s (%s)", b.Version, b.Go) })
		},
	}
}

func thisBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

// version is what other programs are told.
func version() string { return thisBuild().Version }
