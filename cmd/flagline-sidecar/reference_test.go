package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the settings into the documentation")

func TestReferenceIsCurrent(t *testing.T) {
	const begin, end = "<!-- settings: written by \"make generate\" -->\n", "<!-- end of settings -->\n"
	file := filepath.Join("..", "..", "docs", "sidecar.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	got, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the settings, between %q and %q", file, begin, end)
	}
	var tables strings.Builder
	for _, g := range new(settings).groups() {
		flags := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		flags.SortFlags = false
		g.register(flags)
		fmt.Fprintf(&tables, "\n### %s\n\n| setting | means |\n|---|---|\n", g.title)
		flags.VisitAll(func(f *pflag.Flag) { row(&tables, f) })
	}
	tables.WriteString("\n")
	want := tables.String()
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s does not list the settings as they are; write it with -update", file)
	}
}

func row(w io.Writer, f *pflag.Flag) {
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	text := strings.ReplaceAll(f.Usage, "|", `\|`)
	switch d := strings.Trim(f.DefValue, "[]"); d {
	case "", "false", "0", "0s":
	default:
		text += fmt.Sprintf(" (default `%s`)", d)
	}
	fmt.Fprintf(w, "| %s | %s |\n", name, text)
}
