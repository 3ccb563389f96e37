package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/flagline/flagline/admin/api"
)

// change makes a change as the common settings say, and shows it.
func (a *app) change(ctx context.Context, req api.ChangeRequest) error {
	ctx, cancel, s, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer cancel()

	req.Set = a.settings.flagSet()
	req.Author = a.settings.author
	req.Reason = a.settings.reason
	req.DryRun = a.settings.dryRun
	req.ExpectGeneration = a.settings.expect
	if a.settings.wait {
		req.Wait = a.settings.timeout.Seconds()
	}
	made, err := s.Change(ctx, s.environment, req)
	if err != nil {
		return err
	}
	if err := a.show(made, func(p *page) { showChange(p, made) }); err != nil {
		return err
	}
	if c := made.Convergence; c != nil && !c.Complete() {
		return &api.Error{Code: api.CodeNotConverged, Message: "the change was made, but not every instance has it: " + converged(*c)}
	}
	return nil
}

// verbCommand is a verb that needs nothing but the flag.
func (a *app) verbCommand(verb api.Verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:   string(verb) + " KEY",
		Short: short,
		Args:  oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), api.ChangeRequest{Verb: verb, Key: args[0]})
		},
	}
}

func (a *app) killCommand() *cobra.Command {
	var variant string
	cmd := &cobra.Command{
		Use:   "kill KEY --variant V",
		Short: "Serve one variant to everyone, whatever the targeting says",
		Long: `Serve one variant to everyone, whatever the targeting says.

The targeting stays in the flag, out of reach. "flagline flag rollback KEY"
undoes the kill.`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			if variant == "" {
				return usage("say what everyone is to get: --variant V")
			}
			return a.change(cmd.Context(), api.ChangeRequest{Verb: api.VerbKill, Key: args[0], Variant: variant})
		},
	}
	cmd.Flags().StringVar(&variant, "variant", "", "the variant that everyone gets")
	return cmd
}

func (a *app) rollbackCommand() *cobra.Command {
	var to uint64
	cmd := &cobra.Command{
		Use:   "rollback KEY",
		Short: "Make a flag again what it was before its last change",
		Args:  oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd.Context(), api.ChangeRequest{Verb: api.VerbRollback, Key: args[0], To: to})
		},
	}
	cmd.Flags().Uint64Var(&to, "to", 0, "go back to what the flag was at this generation")
	return cmd
}

func (a *app) setCommand() *cobra.Command {
	var p parts
	cmd := &cobra.Command{
		Use:   "set KEY",
		Short: "Change parts of a flag, or all of it",
		Example: `  flagline flag set new-checkout --default-variant on -m "launch"
  flagline flag set banner --variant 'blue="#00f"' --targeting @rule.json
  flagline flag set banner --targeting none --wait`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			req := api.ChangeRequest{Verb: api.VerbSet, Key: args[0]}
			if err := p.fill(a, cmd.Flags(), &req); err != nil {
				return err
			}
			if req.Definition == nil && req.Parts == nil {
				return usage("say what to set; see %q", cmd.CommandPath()+" --help")
			}
			return p.inFile(a.change(cmd.Context(), req))
		},
	}
	p.register(cmd.Flags())
	return cmd
}

func (a *app) createCommand() *cobra.Command {
	var p parts
	var onOff bool
	cmd := &cobra.Command{
		Use:   "create KEY",
		Short: "Create a flag",
		Example: `  flagline flag create new-checkout --bool
  flagline flag create banner --variant 'blue="#00f"' --variant 'red="#f00"' --default-variant blue
  flagline flag create banner -f banner.json`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			req := api.ChangeRequest{Verb: api.VerbCreate, Key: args[0]}
			if err := p.fill(a, cmd.Flags(), &req); err != nil {
				return err
			}
			if err := complete(&req, onOff); err != nil {
				return err
			}
			return p.inFile(a.change(cmd.Context(), req))
		},
	}
	p.register(cmd.Flags())
	cmd.Flags().BoolVar(&onOff, "bool", false, "give the flag the variants on and off, off by default")
	return cmd
}

// complete checks that a new flag has what it needs, and adds what --bool
// stands for.
func complete(req *api.ChangeRequest, onOff bool) error {
	if req.Definition != nil {
		if onOff {
			return usage("--bool and --file exclude each other")
		}
		return nil
	}
	if req.Parts == nil {
		req.Parts = new(api.Parts)
	}
	switch {
	case onOff && req.Parts.Variants != nil:
		return usage("--bool and --variant exclude each other")
	case onOff:
		req.Parts.Variants = []byte(`{"on":true,"off":false}`)
		if req.Parts.DefaultVariant == nil {
			off := "off"
			req.Parts.DefaultVariant = &off
		}
	case req.Parts.Variants == nil:
		return usage("a flag needs variants: give --bool, --variant name=value, or --file")
	case req.Parts.DefaultVariant == nil:
		return usage("say which variant is the default: --default-variant V")
	}
	return nil
}
