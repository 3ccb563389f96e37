package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/flagline/flagline/test/compare/system"
)

// What is generated in docs/performance.md stands between these.
const (
	pageBegin = "<!-- begin: written by make bench-compare -->"
	pageEnd   = "<!-- end -->"
)

// writePage puts the tables into the page in the folder docs, and draws the
// picture beside it.
func (f *figures) writePage(docs string) error {
	name := filepath.Join(docs, "performance.md")
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	page, err := f.page(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "performance.svg"), []byte(f.picture()), 0o644)
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
	f.goalTable(&b)
	f.systemTable(&b)
	f.loadTable(&b)
	f.versionTable(&b)
	b.WriteString("\n" + pageEnd + after)
	return b.String(), nil
}

func (f *figures) goalTable(b *strings.Builder) {
	b.WriteString("### The goals\n\n")
	b.WriteString("| flagd core / ours, unless it says otherwise | figure | lowest to highest | gate | aim | allocations | |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range f.results() {
		allocations := ""
		if r.Allocations != nil {
			allocations = number(*r.Allocations)
		}
		fmt.Fprintf(b, "| %s | **%s** | %s to %s | %s | %s | %s | %s |\n", r.Title, number(r.Figure),
			number(r.Low), number(r.High), r.bound(r.Gate), r.bound(r.Aim), allocations, r.State)
	}
}

// systemTable shows every system relative to ours.
func (f *figures) systemTable(b *strings.Builder) {
	systems := slices.DeleteFunc(system.Makers(), func(m system.Maker) bool { return m.Name == system.Ours })
	b.WriteString("\n### Processor time per evaluation, ours = 1\n\n| |")
	for _, s := range systems {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" ---: |", len(systems)) + "\n")
	for _, r := range f.Rows {
		if r.System != system.Ours || strings.HasPrefix(r.Case, "evaluate all") || r.Attributes == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s |", strings.Replace(r.title(), " attributes", "", 1))
		for _, s := range systems {
			v, ok := f.ratio(r.Case, r.Attributes, s.Name, system.Ours)
			cell := "–"
			if ok {
				cell = number(v.median)
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		b.WriteString("\n")
	}
}

// loadTable shows what is done to all flags at once.
func (f *figures) loadTable(b *strings.Builder) {
	b.WriteString("\n### All flags at once\n\n")
	b.WriteString("| | flagd core / ours | allocations per flag, flagd core | allocations per flag, ours |\n")
	b.WriteString("| --- | ---: | ---: | ---: |\n")
	cases := []struct {
		name, ours string
		attributes int
		flags      float64
	}{
		{bulk1000, system.Ours, 5, 1000},
		{bulk10000, system.Ours, 5, 10000},
		{load10000, system.Ours, 0, 10000},
		{load10000, compileAlone, 0, 10000},
	}
	for _, c := range cases {
		v, ok := f.ratio(c.name, c.attributes, system.Flagd, c.ours)
		if !ok {
			continue
		}
		flagd, _ := f.find(c.name, c.attributes, system.Flagd)
		ours, _ := f.find(c.name, c.attributes, c.ours)
		title := strings.TrimPrefix(c.ours, system.Ours)
		fmt.Fprintf(b, "| %s%s | %s | %s | %s |\n", c.name, title, number(v.median),
			number(flagd.Allocations/c.flags), number(ours.Allocations/c.flags))
	}
	for _, h := range f.Heap {
		fmt.Fprintf(b, "| heap per flag, %s | %s bytes | | |\n", h.System, number(h.BytesPerFlag))
	}
}

func (f *figures) versionTable(b *strings.Builder) {
	fmt.Fprintf(b, "\nMedians of %d rounds; %s, %s. Versions:\n\n", f.Rounds, f.Go, f.Platform)
	for _, path := range slices.Sorted(maps.Keys(f.Modules)) {
		fmt.Fprintf(b, "- `%s` %s\n", path, f.Modules[path])
	}
}
