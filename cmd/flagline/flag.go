package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flagline/flagline/admin/api"
	"github.com/flagline/flagline/admin/client"
)

func (a *app) flagCommand() *cobra.Command {
	return noun("flag", "Look at flags and change them",
		a.listCommand(),
		a.getCommand(),
		a.evalCommand(),
		a.historyCommand(),
		a.setCommand(),
		a.createCommand(),
		a.verbCommand(api.VerbEnable, "Switch a flag on"),
		a.verbCommand(api.VerbDisable, "Switch a flag off: applications get their own default"),
		a.verbCommand(api.VerbToggle, "Swap the default variant of a flag that has two and no targeting"),
		a.killCommand(),
		a.verbCommand(api.VerbDelete, "Delete a flag"),
		a.rollbackCommand(),
	)
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the flags of an environment",
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			list, err := s.Flags(ctx, s.environment, a.settings.flagSet(), "")
			if err != nil {
				return err
			}
			for list.Next != "" {
				page, err := s.Flags(ctx, s.environment, a.settings.flagSet(), list.Next)
				if err != nil {
					return err
				}
				page.Flags = append(list.Flags, page.Flags...)
				list = page
			}
			return a.show(list, func(p *page) { showFlags(p, list) })
		},
	}
}

func (a *app) getCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get KEY",
		Short: "Show one flag",
		Args:  oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			flag, err := s.Flag(ctx, s.environment, a.settings.flagSet(), args[0])
			if err != nil {
				return err
			}
			return a.show(flag, func(p *page) { showFlag(p, flag) })
		},
	}
}

func (a *app) historyCommand() *cobra.Command {
	var query client.HistoryQuery
	cmd := &cobra.Command{
		Use:   "history [KEY]",
		Short: "List the changes of a flag, or of the environment, newest first",
		Args:  arguments(0, 1, "the key of one flag, or none"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			query.Set, query.Key = a.settings.flagSet(), strings.Join(args, "")
			if query.Limit < 1 {
				return usage("--limit %d lists nothing; give 1 or more", query.Limit)
			}
			history, err := s.History(ctx, s.environment, query)
			if err != nil {
				return err
			}
			return a.show(history, func(p *page) { showHistory(p, history) })
		},
	}
	cmd.Flags().IntVar(&query.Limit, "limit", 50, "the largest number of changes to list")
	cmd.Flags().Uint64Var(&query.Before, "before", 0, "list only changes of lower generations than this one")
	return cmd
}

func (a *app) evalCommand() *cobra.Command {
	var subject, kind string
	cmd := &cobra.Command{
		Use:   "eval KEY",
		Short: "Say which variant somebody would get, and why",
		Example: `  flagline flag eval new-checkout --context '{"targetingKey":"user-7","plan":"pro"}'
  flagline flag eval new-checkout --context @context.json --type bool`,
		Args: oneKey,
		RunE: func(cmd *cobra.Command, args []string) error {
			req := api.EvaluateRequest{Set: a.settings.flagSet(), Key: args[0], Type: kind}
			if subject != "" {
				if err := a.jsonSetting("context", subject, &req.Context); err != nil {
					return err
				}
			}
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			answer, err := s.Evaluate(ctx, s.environment, req)
			if err != nil {
				return err
			}
			if err := a.show(answer, func(p *page) { showEvaluation(p, answer) }); err != nil {
				return err
			}
			if answer.ErrorCode != nil && *answer.ErrorCode == "FLAG_NOT_FOUND" {
				return &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("there is no flag %q", args[0])}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&subject, "context", "", "who asks: the evaluation context, as JSON or @file")
	cmd.Flags().StringVar(&kind, "type", "", "ask as applications do: bool, string, int, float or object")
	return cmd
}
