package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flagline/flagline/admin/api"
)

// show writes an answer: as one JSON or YAML document, or as text writes it.
func (a *app) show(v any, text func(p *page)) error {
	var out []byte
	var err error
	switch {
	case a.settings.output == outputYAML:
		out, err = asYAML(v)
	case a.settings.output == outputTable || a.settings.output == "" && a.terminal:
		p := &page{color: a.color}
		text(p)
		out = p.Bytes()
	default:
		out, err = indented(v)
	}
	if err != nil {
		return err
	}
	if _, err := a.out.Write(out); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// indented returns v as JSON for reading, in which flags keep their spelling.
func indented(v any) ([]byte, error) {
	text, err := api.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return out.Bytes(), err
}

// A page is text for people.
type page struct {
	bytes.Buffer
	color bool
}

func (p *page) linef(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

// table writes rows in columns. Empty cells show as a dash.
func (p *page) table(header []string, rows [][]string) {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(orDash(cell)))
		}
	}
	p.linef("%s", p.dim(columns(header, widths)))
	for _, row := range rows {
		p.linef("%s", columns(row, widths))
	}
}

func columns(cells []string, widths []int) string {
	var line strings.Builder
	for i, cell := range cells {
		cell = orDash(cell)
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	return line.String()
}

func orDash(cell string) string {
	if cell == "" {
		return "–"
	}
	return clean(cell)
}

// clean shows control characters by their escapes: a flag must not be able to
// write to a terminal as it likes.
func clean(s string) string {
	if strings.IndexFunc(s, isControl) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

func (p *page) bold(s string) string  { return p.paint("1", s) }
func (p *page) dim(s string) string   { return p.paint("2", s) }
func (p *page) red(s string) string   { return p.paint("31", s) }
func (p *page) green(s string) string { return p.paint("32", s) }

// yellow is for what changed.
func (p *page) yellow(s string) string { return p.paint("33", s) }

func (p *page) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
