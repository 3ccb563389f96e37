package main

import (
	"github.com/spf13/cobra"

	"github.com/flagline/flagline/admin/api"
)

func (a *app) applyCommand() *cobra.Command {
	var files []string
	var prune, allowShrink bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make the environment say what documents say, in one change",
		Long: `Make the environment say what documents say, in one change.

Documents are flagd documents in JSON or YAML. Only what differs is written.
What the documents do not mention stays, unless --prune is given. A document
with mistakes changes nothing.`,
		Args: arguments(0, 0, "no arguments; documents are named with -f"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			docs, err := a.documents(files)
			if err != nil {
				return err
			}
			return a.change(cmd.Context(), api.ChangeRequest{Verb: api.VerbApply, Documents: docs, Prune: prune, AllowShrink: allowShrink})
		},
	}
	cmd.Flags().BoolVar(&allowShrink, "allow-shrink", false, "let a flag set lose all its flags, or more than half of ten or more")
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "a document, a directory of them, or - for standard input; may be repeated")
	cmd.Flags().BoolVar(&prune, "prune", false, "delete what the documents do not mention from the flag sets that they do")
	return cmd
}

func (a *app) diffCommand() *cobra.Command {
	var files []string
	var prune bool
	cmd := &cobra.Command{
		Use:   "diff -f FILE",
		Short: "Say what apply would change; exit 1 if that is anything",
		Args:  arguments(0, 0, "no arguments; documents are named with -f"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			docs, err := a.documents(files)
			if err != nil {
				return err
			}
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			diff, err := s.Diff(ctx, s.environment, api.DiffRequest{Set: a.settings.flagSet(), Documents: docs, Prune: prune})
			if err != nil {
				return err
			}
			if err := a.show(diff, func(p *page) { showDiff(p, diff) }); err != nil {
				return err
			}
			if !diff.Equal {
				return errNegative
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "a document, a directory of them, or - for standard input; may be repeated")
	cmd.Flags().BoolVar(&prune, "prune", false, "count what the documents do not mention as deleted")
	return cmd
}

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write a flag set as a flagd document",
		Long: `Write a flag set as a flagd document, in JSON or, with -o yaml, in YAML.

Without --set it is the unnamed set, or the only one there is.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel, s, err := a.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer cancel()
			doc, err := s.Export(ctx, s.environment, a.settings.flagSet())
			if err != nil {
				return err
			}
			return a.writeDocument(doc)
		},
	}
}
