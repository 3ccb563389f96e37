package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/flagline/flagline/evaluator/lint"
)

// A lintAnswer is what the lint command prints.
type lintAnswer struct {
	OK       bool          `json:"ok"`
	Findings []lintFinding `json:"findings"`
}

type lintFinding struct {
	File string `json:"file"`
	lint.Finding
}

func (a *app) lintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE...",
		Short: "Look for mistakes in documents, without a server; exit 1 if there are any",
		Args:  arguments(1, 1<<20, "the names of files or directories"),
		RunE: func(_ *cobra.Command, args []string) error {
			texts, err := a.read(args)
			if err != nil {
				return err
			}
			answer := lintAnswer{OK: true, Findings: []lintFinding{}}
			for _, t := range texts {
				for _, f := range t.lint() {
					answer.OK = answer.OK && f.Severity != lint.SeverityError
					answer.Findings = append(answer.Findings, lintFinding{t.file, f})
				}
			}
			if err := a.show(answer, func(p *page) { showLint(p, answer) }); err != nil {
				return err
			}
			if !answer.OK {
				return errNegative
			}
			return nil
		},
	}
}

func showLint(p *page, answer lintAnswer) {
	for _, f := range answer.Findings {
		severity := p.yellow(string(f.Severity))
		if f.Severity == lint.SeverityError {
			severity = p.red(string(f.Severity))
		}
		p.linef("%s  %s", severity, clean(detail(f.File, f.Pointer, f.Message)))
	}
	if len(answer.Findings) == 0 {
		p.linef("no mistakes")
	}
}

// writeDocument writes a document as the server formatted it, or in YAML.
func (a *app) writeDocument(doc []byte) error {
	if a.settings.output == outputYAML {
		return a.show(json.RawMessage(doc), nil)
	}
	_, err := a.out.Write(doc)
	return err
}
