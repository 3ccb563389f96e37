package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/flagline/flagline/test/compare/workload"
)

// What is generated in docs/provider-performance.md stands between these.
const (
	pageBegin = "<!-- begin: written by make bench-provider -->"
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
	f.goalTable(&b)
	f.sdkTable(&b)
	f.askedTable(&b)
	f.bareTable(&b)
	f.changeTable(&b)
	f.lockTable(&b)
	f.versionTable(&b)
	b.WriteString("\n" + pageEnd + after)
	return b.String(), nil
}

func (f *figures) goalTable(b *strings.Builder) {
	b.WriteString("### The goals\n\n| | figure | lowest to highest | gate | aim | |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range f.results() {
		span := ""
		if r.Low != r.High {
			span = number(r.Low) + " to " + number(r.High)
		}
		fmt.Fprintf(b, "| %s | **%s** | %s | %s | %s | %s |\n", r.Title, number(r.Figure), span,
			r.bound(r.Gate), r.bound(r.Aim), r.State)
	}
}

// sdkTable shows what is asked through the SDK, relative to a constant.
func (f *figures) sdkTable(b *strings.Builder) {
	b.WriteString("\n### Processor time of an evaluation through the SDK, a constant = 1\n\n" +
		"| | static, 5 | endswith, 5 | static, 30 | endswith, 30 | allocations | |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, system := range []string{constant, ours, flagd, goFeature, oursKnown, flagdKnown} {
		fmt.Fprintf(b, "| %s |", system)
		var allocations []string
		for _, n := range fewAndMany {
			for _, kase := range []string{staticCase, endswithCase} {
				r, ok := f.find(kase, n, system)
				if !ok {
					b.WriteString(" – |")
					continue
				}
				fmt.Fprintf(b, " %s |", f.against(r, constant))
				if n == workload.Few {
					allocations = append(allocations, whole(r.Allocations))
				}
			}
		}
		r, _ := f.find(staticCase, workload.Few, system)
		fmt.Fprintf(b, " %s | %s ns |\n", strings.Join(allocations, ", "), number(r.Nanoseconds))
	}
	b.WriteString("\nAllocations are those of the first two columns, and nanoseconds those of the first.\n")
}

// askedTable shows what is asked for over a connection, in microseconds.
func (f *figures) askedTable(b *strings.Builder) {
	b.WriteString("\n### Processor time of the client for an answer that is asked for, microseconds\n\n" +
		"| | 5 | 30 | 8 at once, 5 | 8 at once, 30 | 64 at once, 5 | 64 at once, 30 | allocations |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, system := range []string{
		oursAsking, oursFresh, flagdAsking, flagdFresh, bareHTTP2, bareHTTP1,
		oursAskingSocket, oursFreshSocket, flagdSocket, flagdFreshSocket,
	} {
		fmt.Fprintf(b, "| %s |", system)
		allocations := "–"
		for _, kase := range []string{askedCase, eightCase, manyCase} {
			for _, n := range fewAndMany {
				r, ok := f.find(kase, n, system)
				if !ok {
					b.WriteString(" – |")
					continue
				}
				fmt.Fprintf(b, " %s |", number(r.Nanoseconds/1000))
				if n == workload.Few {
					allocations = whole(r.Allocations)
				}
			}
		}
		fmt.Fprintf(b, " %s |\n", allocations)
	}
}

// bareTable shows what is asked past the SDK, in nanoseconds.
func (f *figures) bareTable(b *strings.Builder) {
	b.WriteString("\n### Processor time of an evaluation past the SDK, nanoseconds\n\n" +
		"| | static, 5 | endswith, 5 | static, 30 | endswith, 30 | allocations |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, system := range []string{oursHandle, flagByKey, flagInHand, goByHand} {
		fmt.Fprintf(b, "| %s |", system)
		most := 0.0
		for _, n := range fewAndMany {
			for _, kase := range []string{staticBare, endswithBare} {
				r, _ := f.find(kase, n, system)
				most = max(most, r.Allocations)
				fmt.Fprintf(b, " %s |", number(r.Nanoseconds))
			}
		}
		fmt.Fprintf(b, " %s |\n", whole(most))
	}
}

func (f *figures) changeTable(b *strings.Builder) {
	b.WriteString("\n### Evaluations while flags change, nanoseconds of the thread that evaluates\n\n" +
		"| | flag | at rest | while they change | changes a second |\n| --- | --- | ---: | ---: | ---: |\n")
	for _, r := range f.Changes {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", r.System, r.Flag, number(r.Rest), number(r.Busy), number(r.Heard))
	}
}

func (f *figures) lockTable(b *strings.Builder) {
	b.WriteString("\n### Waits for locks while flags change\n\n" +
		"| | goroutines | seconds | ours | of others | of Go's runtime |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range f.Contention {
		fmt.Fprintf(b, "| %s | %d | %s | %d | %d | %d |\n", r.System, r.Goroutines, number(r.Seconds), r.Ours, r.Others, r.Runtime)
	}
}

func (f *figures) versionTable(b *strings.Builder) {
	fmt.Fprintf(b, "\nMedians of %d rounds of %s for each way to ask; %s, %s, %d cores", f.Rounds, f.Batch, f.Go, f.Platform, f.Cores)
	if f.Processor != "" {
		fmt.Fprintf(b, " of %s", f.Processor)
	}
	if f.LoadBefore != "" {
		fmt.Fprintf(b, ".\nThe load averages over 1, 5 and 15 minutes were %s before and %s after", f.LoadBefore, f.LoadAfter)
	}
	b.WriteString(". Versions:\n\n")
	for _, path := range slices.Sorted(maps.Keys(f.Modules)) {
		fmt.Fprintf(b, "- `%s` %s\n", path, f.Modules[path])
	}
}

// whole writes a count, with what is between two of them if it is.
func whole(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", v), "0"), ".")
}
