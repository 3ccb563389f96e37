package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// What is generated in docs/server-performance.md stands between these.
const (
	pageBegin = "<!-- begin: written by make bench-server -->"
	pageEnd   = "<!-- end -->"
)

// writePage puts the tables into a page.
func (f *figures) writePage(name string) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	page, err := f.page(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, []byte(page), 0o644)
}

// page is old with the tables of f.
func (f *figures) page(old string) (string, error) {
	before, rest, ok := strings.Cut(old, pageBegin)
	_, after, ok2 := strings.Cut(rest, pageEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("there is no %q with %q after it", pageBegin, pageEnd)
	}
	var b strings.Builder
	b.WriteString(before + pageBegin + "\n\n")
	f.absence(&b)
	f.goalTable(&b)
	f.requestTable(&b)
	f.footprintTable(&b)
	f.broadcastTable(&b)
	f.versionTable(&b)
	b.WriteString("\n" + pageEnd + after)
	return b.String(), nil
}

// absence says so if flagd was not there.
func (f *figures) absence(b *strings.Builder) {
	if f.Flagd == "" {
		b.WriteString("**flagd's own server was not there in this run.** Wherever a goal says flagd, its core\n" +
			"stands in, served plainly; see above. What flagd itself costs was not measured.\n\n")
	}
}

func (f *figures) goalTable(b *strings.Builder) {
	b.WriteString("### The goals\n\n| | figure | lowest to highest | gate | aim | |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range f.results() {
		span := ""
		if r.Low != r.High {
			span = number(r.Low) + " to " + number(r.High)
		}
		fmt.Fprintf(b, "| %s | **%s** | %s | %s | %s | %s |\n", f.name(r.Title), r.number(r.Figure), span,
			r.bound(r.Gate), r.bound(r.Aim), r.State)
	}
}

// name is a title that names who stands in for flagd.
func (f *figures) name(title string) string {
	return strings.Replace(title, ": flagd /", ": "+f.flagdName()+" /", 1)
}

// requestTable shows every server relative to ours.
func (f *figures) requestTable(b *strings.Builder) {
	b.WriteString("\n### Processor time of the server per request, ours = 1\n\n" +
		"| | flagd | flagd core, plain | the floor | µs, ours | body, bytes |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range f.Rows {
		if r.System != ours {
			continue
		}
		floor := ""
		for _, name := range []string{nethttp, grpcgo, connect} {
			if _, ok := f.find(r.Case, name); ok {
				floor = f.against(r.Case, name) + " " + name
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %d |\n", r.Case, f.against(r.Case, flagd),
			f.against(r.Case, core), floor, number(r.Micros), r.Bytes)
	}
}

func (f *figures) footprintTable(b *strings.Builder) {
	b.WriteString("\n### Flags from a file\n\n" +
		"| | flags | first right answer | processor | memory | at most | after changes | a change takes | processor |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range f.Footprints {
		fmt.Fprintf(b, "| %s | %s | %s s | %s s | %s MiB | %s MiB | %s MiB | %s ms | %s ms |\n", r.System, number(float64(r.Flags)),
			number(r.Start), number(r.StartUsed), number(r.Resident), number(r.Peak), number(r.After),
			number(r.Change*1000), number(r.ChangeUsed*1000))
	}
}

func (f *figures) broadcastTable(b *strings.Builder) {
	b.WriteString("\n### Streams\n\n" +
		"| | who listens | flags | memory per stream | memory | after changes | processor per change | last receiver |\n" +
		"| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range f.Broadcasts {
		who := fmt.Sprintf("%s: %s streams, %d on a connection", r.Kind, number(float64(r.Streams)), r.PerConnection)
		if r.Failed != "" {
			fmt.Fprintf(b, "| %s | %s | %s | does not get through | | | | |\n", r.System, who, number(float64(r.Flags)))
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s KiB | %s MiB | %s MiB | %s ms | %s ms |\n", r.System, who, number(float64(r.Flags)),
			number(r.PerStream), number(r.Resident), number(r.After), number(r.Used), number(r.Last))
	}
}

func (f *figures) versionTable(b *strings.Builder) {
	fmt.Fprintf(b, "\nMedians of %d rounds; %s, %s. Programs, without what debuggers need:", f.Rounds, f.Go, f.Platform)
	for i, p := range f.Programs {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(b, " %s %s MB", p.System, number(float64(p.Bytes)/1e6))
	}
	b.WriteString(". Versions:\n\n")
	for _, path := range slices.Sorted(maps.Keys(f.Modules)) {
		fmt.Fprintf(b, "- `%s` %s\n", path, f.Modules[path])
	}
}
