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
		if name := fmt.Sprintf("%s, %d attributes", r.Case, r.Attributes); name != kase {
			kase = name
			fmt.Fprintf(w, "\n%s\tns CPU\tmin\tmax\t/ constant\tallocs\tbytes\t\n", kase)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.System, number(r.Nanoseconds), number(r.Min), number(r.Max),
			f.against(r, constant), number(r.Allocations), number(r.Bytes))
	}
	fmt.Fprint(w, "\nwith changes\tflag\tns at rest\tmin\tmax\tns with changes\tmin\tmax\tchanges/s\t\n")
	for _, r := range f.Changes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.System, r.Flag, number(r.Rest), number(r.RestMin), number(r.RestMax),
			number(r.Busy), number(r.BusyMin), number(r.BusyMax), number(r.Heard))
	}
	fmt.Fprint(w, "\nlocks\tgoroutines\tseconds\tours\tothers\truntime\twhere\t\n")
	for _, r := range f.Contention {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%d\t%s\t\n", r.System, r.Goroutines, number(r.Seconds), r.Ours, r.Others, r.Runtime, r.Where)
	}
	fmt.Fprint(w, "\ngoals\tfigure\tlow\thigh\tgate\taim\t\t\n")
	for _, r := range f.results() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Title,
			number(r.Figure), number(r.Low), number(r.High), r.bound(r.Gate), r.bound(r.Aim), r.State)
	}
	fmt.Fprintf(w, "\nload before %s, after %s\t\n", f.LoadBefore, f.LoadAfter)
	_ = w.Flush()
}

// against is what r takes relative to another way in the same case.
func (f *figures) against(r row, system string) string {
	other, ok := f.find(r.Case, r.Attributes, system)
	if !ok {
		return "–"
	}
	return number(r.over(other).median)
}

func (r result) bound(v float64) string {
	if r.AtMost {
		return "≤ " + number(v)
	}
	return "≥ " + number(v)
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
