package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/flagline/flagline/admin/api"
)

// A glance is what people look for first in a flag.
type glance struct {
	State          string
	DefaultVariant string
	Variants       map[string]json.RawMessage
	Targeting      json.RawMessage
	Description    string
	Owner          string
}

func (g glance) state() string {
	if g.State == "DISABLED" {
		return "disabled"
	}
	if g.killed() != "" {
		return "killed"
	}
	return "enabled"
}

// killed is the variant that everyone gets since the flag was killed, "" if it
// was not: see docs/decisions/0004-a-kill-is-a-rule.md.
func (g glance) killed() (variant string) {
	var rule struct{ If []json.RawMessage }
	if json.Unmarshal(g.Targeting, &rule) != nil || len(rule.If) < 2 || len(rule.If) > 3 || string(rule.If[0]) != "true" {
		return ""
	}
	_ = json.Unmarshal(rule.If[1], &variant) // what is no text is no variant that a kill writes
	return variant
}

func (g glance) targeting() string {
	if variant := g.killed(); variant != "" {
		return "all get " + variant
	}
	if rule := string(g.Targeting); rule == "" || rule == "null" || rule == "{}" {
		return ""
	}
	return "rule"
}

// look reads as much of a flag as it can.
func look(flag json.RawMessage) (g glance) {
	_ = json.Unmarshal(flag, &g) // a flag of another shape has less to show
	return g
}

func showFlags(p *page, list api.Flags) {
	if len(list.Flags) == 0 {
		p.linef("no flags in %s", list.Environment)
		return
	}
	named := false
	for _, f := range list.Flags {
		named = named || f.Set != ""
	}
	header := []string{"KEY", "STATE", "DEFAULT", "TARGETING", "GENERATION", "OWNER"}
	if named {
		header = append([]string{"SET"}, header...)
	}
	var rows [][]string
	for _, f := range list.Flags {
		g := look(f.Flag)
		row := []string{f.Key, g.state(), g.DefaultVariant, g.targeting(), fmt.Sprint(f.Generation), g.Owner}
		if named {
			row = append([]string{f.Set}, row...)
		}
		rows = append(rows, row)
	}
	p.table(header, rows)
}

func showFlag(p *page, f api.Flag) {
	p.linef("%s", p.bold(flagName(f.Set, f.Key)))
	p.linef("%s", p.dim(clean(fmt.Sprintf("generation %d of %s, by %s", f.Generation, f.Environment, f.Author))))
	if variant := look(f.Flag).killed(); variant != "" {
		p.linef("%s", p.bold(clean("killed: everyone gets "+variant+", whatever the rule behind it says")))
	}
	p.linef("%s", pretty(f.Flag))
}

func flagName(set, key string) string {
	if key == "" {
		key = "the settings"
	}
	if set != "" {
		key = fmt.Sprintf("%s (set %q)", key, set)
	}
	return clean(key)
}

func pretty(text json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return clean(string(text))
	}
	return out.String()
}

func showChange(p *page, c api.Change) {
	if len(c.Flags) == 0 {
		p.linef("nothing to do: %s stays at generation %d", c.Environment, c.Generation)
		return
	}
	if c.DryRun {
		p.linef("%s", p.bold("would change "+c.Environment)+p.dim("  nothing was published"))
	} else {
		p.linef("%s", p.bold(fmt.Sprintf("generation %d of %s", c.Generation, c.Environment)))
	}
	showTouched(p, c.Flags)
	if c.Convergence != nil {
		showConvergence(p, *c.Convergence)
	}
}

func showTouched(p *page, flags []api.Touched) {
	width := 0
	for _, f := range flags {
		width = max(width, len([]rune(flagName(f.Set, f.Key))))
	}
	for _, f := range flags {
		p.linef("  %-*s  %s", width, flagName(f.Set, f.Key), did(p, f.Action, f.Summary))
	}
}

// did says what was done to a flag.
func did(p *page, action, summary string) string {
	switch {
	case action == "create":
		return p.green("created")
	case action == "delete":
		return p.red("deleted")
	case summary == "":
		return p.yellow("updated")
	}
	return p.yellow(clean(summary))
}

func showConvergence(p *page, c api.Convergence) {
	p.linef("%s", converged(c))
	for _, r := range c.Rejected {
		p.linef("  %s  %s", clean(r.Instance), p.red("rejected: "+clean(r.Reason)))
	}
	for _, name := range c.Silent {
		p.linef("  %s  %s", clean(name), p.yellow("silent"))
	}
}

// converged says in one line how far a generation has come.
func converged(c api.Convergence) string {
	if c.Expected == 0 {
		return "0 instances are known"
	}
	s := fmt.Sprintf("%d of %d on generation %d", c.Applied, c.Expected, c.Generation)
	if n := len(c.Rejected); n > 0 {
		s += fmt.Sprintf(", %d rejected", n)
	}
	if n := len(c.Silent); n > 0 {
		s += fmt.Sprintf(", %d silent", n)
	}
	if n := c.Expected - c.Applied - len(c.Rejected) - len(c.Silent); n > 0 {
		s += fmt.Sprintf(", %d not yet", n)
	}
	return s
}

func showHistory(p *page, h api.History) {
	if len(h.Changes) == 0 {
		p.linef("no changes")
		return
	}
	var rows [][]string
	for _, c := range h.Changes {
		when := ""
		if c.Time != nil {
			when = c.Time.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{fmt.Sprint(c.Generation), when, c.Author, touchedNames(c.Flags), c.Reason})
	}
	p.table([]string{"GENERATION", "TIME", "AUTHOR", "FLAGS", "REASON"}, rows)
}

// touchedNames names a few flags and counts the rest.
func touchedNames(flags []api.Touched) string {
	const few = 3
	var names []string
	for _, f := range flags[:min(few, len(flags))] {
		names = append(names, f.Action+" "+flagName(f.Set, f.Key))
	}
	if rest := len(flags) - few; rest > 0 {
		names = append(names, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(names, ", ")
}

func showDiff(p *page, d api.Diff) {
	if d.Equal {
		p.linef("no differences")
		return
	}
	var flags []api.Touched
	for _, f := range d.Flags {
		flags = append(flags, api.Touched{Set: f.Set, Key: f.Key, Action: f.Action, Summary: f.Summary})
	}
	showTouched(p, flags)
}

func showEvaluation(p *page, e api.Evaluation) {
	switch {
	case e.ErrorCode != nil:
		p.linef("%s  %s", p.red(*e.ErrorCode), clean(*e.ErrorDetails))
	case e.Variant == nil:
		p.linef("%s  %s", p.bold("the application's own default"), p.dim(e.Reason))
	default:
		p.linef("%s  %s  %s", p.bold(string(e.Value)), clean(*e.Variant), p.dim(e.Reason))
	}
}

func showFleet(p *page, f api.Fleet) {
	if len(f.Instances) == 0 {
		p.linef("no instances are known in %s; the environment is at generation %d", f.Environment, f.Generation)
		return
	}
	p.linef("%s", p.bold(fmt.Sprintf("%s is at generation %d", f.Environment, f.Generation)))
	var rows [][]string
	for _, i := range f.Instances {
		age := (time.Duration(i.AgeSeconds) * time.Second).String()
		rows = append(rows, []string{i.Instance, i.Service, fmt.Sprint(i.Generation), i.State, age, i.Version, i.Reason})
	}
	p.table([]string{"INSTANCE", "SERVICE", "GENERATION", "STATE", "AGE", "VERSION", "REASON"}, rows)
}

func showEnvironments(p *page, all api.Environments) {
	if len(all.Environments) == 0 {
		p.linef("no environments")
		return
	}
	var rows [][]string
	for _, e := range all.Environments {
		rows = append(rows, []string{e.Environment, fmt.Sprint(e.Generation), fmt.Sprint(e.Flags)})
	}
	p.table([]string{"ENVIRONMENT", "GENERATION", "FLAGS"}, rows)
}
