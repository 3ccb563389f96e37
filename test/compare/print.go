package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/flagline/flagline/test/compare/system"
)

// print shows everything, with processor times.
func (f *figures) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	title := ""
	for _, r := range f.Rows {
		if t := r.title(); t != title {
			title = t
			fmt.Fprintf(w, "\n%s\tns CPU\tmin\tmax\t/ ours\t/ floor\tallocs\tbytes\t\n", title)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.System,
			number(r.Nanoseconds), number(r.Min), number(r.Max),
			f.against(r, system.Ours), f.against(r, system.FloorMap), number(r.Allocations), number(r.Bytes))
	}
	for _, h := range f.Heap {
		fmt.Fprintf(w, "\nheap, %s, %d flags\t%s bytes per flag\t\n", h.System, h.Flags, number(h.BytesPerFlag))
	}
	fmt.Fprint(w, "\nflagd / ours, unless it says otherwise\tfigure\tlow\thigh\tgate\taim\t\t\n")
	for _, r := range f.results() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Title,
			number(r.Figure), number(r.Low), number(r.High), r.bound(r.Gate), r.bound(r.Aim), r.State)
	}
	_ = w.Flush()
}

// title names the case of r.
func (r row) title() string {
	if r.Attributes == 0 {
		return r.Case
	}
	return fmt.Sprintf("%s, %d attributes", r.Case, r.Attributes)
}

// against is what r takes relative to another system in the same case.
func (f *figures) against(r row, other string) string {
	v, ok := f.ratio(r.Case, r.Attributes, r.System, other)
	if !ok {
		return "–"
	}
	return number(v.median)
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
