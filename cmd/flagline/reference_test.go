package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestReferenceIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "cli.md")
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	var page strings.Builder
	page.WriteString("# The command line\n\n")
	page.WriteString("Written from the commands themselves: `go test ./cmd/flagline -run Reference -update`.\n\n")
	root := a.root()
	page.WriteString(root.Long + "\n\n## Settings of all commands\n\n")
	listSettings(&page, root.PersistentFlags())
	describe(&page, root)
	want := strings.TrimRight(page.String(), "\n") + "\n"

	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the commands say of themselves; write it with -update", file)
	}
}

// describe writes a section for each command that does something.
func describe(w io.Writer, parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		if !cmd.HasSubCommands() || cmd.HasLocalFlags() { // not if it only groups others
			section(w, cmd)
		}
		describe(w, cmd)
	}
}

func section(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, "## %s\n\n%s.\n\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	fmt.Fprintf(w, "```\n%s\n```\n\n", strings.TrimSuffix(cmd.UseLine(), " [flags]"))
	if _, more, ok := strings.Cut(cmd.Long, "\n\n"); ok {
		fmt.Fprintf(w, "%s\n\n", more)
	}
	listSettings(w, cmd.LocalNonPersistentFlags())
	if cmd.Example != "" {
		fmt.Fprintf(w, "```\n%s\n```\n\n", cmd.Example)
	}
}

func listSettings(w io.Writer, flags *pflag.FlagSet) {
	var rows []string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		text := strings.ReplaceAll(f.Usage, "|", `\|`)
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
			text += fmt.Sprintf(" (default `%s`)", d)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s |", name, text))
	})
	if len(rows) > 0 {
		fmt.Fprintf(w, "| setting | means |\n|---|---|\n%s\n\n", strings.Join(rows, "\n"))
	}
}
