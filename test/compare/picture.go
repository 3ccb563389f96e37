package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/flagline/flagline/test/compare/system"
	"github.com/flagline/flagline/test/compare/workload"
)

// The picture shows, on a logarithmic scale, how much more processor time than
// the hand-written floor each system takes. A bar that hangs down is below it.
const (
	pictureWidth  = 1000
	pictureHeight = 470
	plotLeft      = 70
	plotRight     = 985
	plotTop       = 60
	plotBottom    = 420
)

// A scale goes from one power of ten to another.
type scale struct{ lowest, highest float64 }

// y is where v stands on the scale.
func (s scale) y(v float64) float64 {
	return plotBottom - (math.Log10(v)-s.lowest)/(s.highest-s.lowest)*(plotBottom-plotTop)
}

// A series is one system in the picture, with its class in the style sheet.
type series struct{ system, class, label string }

func pictured() []series {
	return []series{
		{system.Flagd, "flagd", "flagd core"},
		{"GO Feature Flag", "goff", "GO Feature Flag"},
		{"jsonlogic, ApplyInterface", "logic", "jsonlogic, decoded"},
		{"LaunchDarkly", "ld", "LaunchDarkly"},
		{"cel-go", "cel", "cel-go"},
		{"expr", "expr", "expr"},
		{system.Ours, "ours", "ours, with the figure"},
	}
}

// The colours are legible on white, and others on black.
const pictureStyle = `<style>
.paper { fill: #ffffff } text { font: 12px sans-serif; fill: #1f2328 } .small { font-size: 10px } .title { font-size: 14px; font-weight: bold }
.axis { stroke: #d0d7de } .floor { stroke: #1f2328 }
.flagd { fill: #cf222e } .goff { fill: #bc8cff } .logic { fill: #d4a72c } .ld { fill: #6e7781 } .cel { fill: #2da8a0 }
.expr { fill: #54aeff } .ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117 } text { fill: #e6edf3 } .axis { stroke: #30363d } .floor { stroke: #e6edf3 }
.flagd { fill: #ff7b72 } .goff { fill: #b392f0 } .logic { fill: #e3b341 } .ld { fill: #9198a1 } .cel { fill: #56d4cb }
.expr { fill: #79c0ff } .ours { fill: #3fb950 }
}
</style>
`

// picture draws f as an SVG document.
func (f *figures) picture() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n",
		pictureWidth, pictureHeight, "Processor time per evaluation relative to hand-written Go")
	b.WriteString(pictureStyle)
	b.WriteString(`<rect class="paper" width="100%" height="100%"/>` + "\n")
	b.WriteString(`<text class="title" x="10" y="20">Processor time per evaluation, hand-written Go = 1</text>` + "\n")
	drawLegend(&b)
	var names []string
	for _, kind := range workload.Kinds() {
		names = append(names, string(kind))
	}
	names = append(names, rotation)
	to := f.scaleFor(names)
	to.draw(&b)
	group := float64(plotRight-plotLeft) / float64(len(names))
	for i, name := range names {
		f.drawGroup(&b, to, name, plotLeft+group*float64(i), group)
	}
	fmt.Fprintf(&b, `<line class="floor" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", plotLeft, plotRight, to.y(1), to.y(1))
	b.WriteString("</svg>\n")
	return b.String()
}

// scaleFor is a scale that all bars fit on.
func (f *figures) scaleFor(names []string) scale {
	to := scale{0, 1}
	for _, name := range names {
		for _, s := range pictured() {
			if v, ok := f.ratio(name, workload.Few, s.system, system.FloorMap); ok {
				to.lowest = min(to.lowest, math.Floor(math.Log10(v.median)))
				to.highest = max(to.highest, math.Ceil(math.Log10(v.median)))
			}
		}
	}
	return to
}

func drawLegend(b *strings.Builder) {
	for i, s := range pictured() {
		x := plotLeft + i*130
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="32" width="10" height="10"/><text class="small" x="%d" y="41">%s</text>`+"\n",
			s.class, x, x+14, s.label)
	}
}

func (s scale) draw(b *strings.Builder) {
	for power := s.lowest; power <= s.highest; power++ {
		v := math.Pow(10, power)
		y := s.y(v)
		fmt.Fprintf(b, `<line class="axis" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, plotLeft, plotRight, y, y)
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s ×</text>`+"\n",
			plotLeft-8, y+4, strconv.FormatFloat(v, 'f', -1, 64))
	}
}

// drawGroup draws the bars of one case, in the width from x.
func (f *figures) drawGroup(b *strings.Builder, to scale, name string, x, width float64) {
	list := pictured()
	bar := width * 0.86 / float64(len(list))
	for i, s := range list {
		v, ok := f.ratio(name, workload.Few, s.system, system.FloorMap)
		if !ok {
			continue
		}
		left, y, floor := x+width*0.07+bar*float64(i), to.y(v.median), to.y(1)
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s, %s: %s ×</title></rect>`+"\n",
			s.class, left, min(y, floor), bar-1, max(math.Abs(floor-y), 1), s.system, name, number(v.median))
		if s.system == system.Ours {
			fmt.Fprintf(b, `<text class="small" x="%.1f" y="%.1f">%s</text>`+"\n",
				left, min(y, floor)-4, number(v.median))
		}
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x+width/2, plotBottom+25, name)
}
