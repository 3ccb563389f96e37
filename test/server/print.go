package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// print shows everything.
func (f *figures) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	kase := ""
	for _, r := range f.Rows {
		if r.Case != kase {
			kase = r.Case
			fmt.Fprintf(w, "\n%s\tµs CPU\tmin\tmax\t/ ours\tclient\treq/s\tp50\tp99\tbytes\t\n", kase)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", r.System, number(r.Micros), number(r.Min), number(r.Max),
			f.against(r.Case, r.System), number(r.Client), number(r.PerSecond), number(r.P50), number(r.P99), r.Bytes)
	}
	fmt.Fprint(w, "\nflags from a file\tflags\tstart s\tCPU s\tMiB\tpeak\tafter changes\tchange s\tCPU ms\t\n")
	for _, r := range f.Footprints {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.System, r.Flags, number(r.Start), number(r.StartUsed),
			number(r.Resident), number(r.Peak), number(r.After), number(r.Change), number(r.ChangeUsed*1000))
	}
	fmt.Fprint(w, "\nstreams\tkind\tflags\tstreams\ton each\tKiB each\tMiB\tafter\tCPU ms\tlast ms\t\n")
	for _, r := range f.Broadcasts {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t\n", r.System, r.Kind, r.Flags, r.Streams, r.PerConnection,
			number(r.PerStream), number(r.Resident), number(r.After), number(r.Used), number(r.Last))
	}
	fmt.Fprintf(w, "\nflagd is %s\tfigure\tlow\thigh\tgate\taim\t\t\n", f.flagdName())
	for _, r := range f.results() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Title,
			r.number(r.Figure), number(r.Low), number(r.High), r.bound(r.Gate), r.bound(r.Aim), r.State)
	}
	_ = w.Flush()
}

// against is what a system takes relative to ours in the same case.
func (f *figures) against(kase, system string) string {
	v, ok := f.ratio(kase, system, ours)
	if !ok {
		return "–"
	}
	return number(v.median)
}

func (r result) number(v float64) string {
	if r.Unit == "" {
		return number(v)
	}
	return number(v) + " " + r.Unit
}

func (r result) bound(v float64) string {
	if r.AtMost {
		return "≤ " + r.number(v)
	}
	return "≥ " + r.number(v)
}

// number writes v with three digits or as a whole, and thousands apart.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
