package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/flagline/flagline/test/compare/system"
)

// figures are everything that was measured, as bench/compare.json holds it.
type figures struct {
	Go       string            `json:"go"`
	Platform string            `json:"platform"`
	Rounds   int               `json:"rounds"`
	Modules  map[string]string `json:"modules"` // the version of each
	Rows     []row             `json:"rows"`
	Heap     []heapRow         `json:"heap"`
	Goals    []result          `json:"goals"`
}

// A row is what one system takes in one case, for one operation: processor
// time, and what it allocates.
type row struct {
	Case        string  `json:"case"`
	Attributes  int     `json:"attributes,omitempty"`
	System      string  `json:"system"`
	Nanoseconds float64 `json:"medianNanoseconds"`
	Min         float64 `json:"minNanoseconds"`
	Max         float64 `json:"maxNanoseconds"`
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

// A heapRow is what loaded flags occupy.
type heapRow struct {
	System       string  `json:"system"`
	Flags        int     `json:"flags"`
	BytesPerFlag float64 `json:"bytesPerFlag"`
}

func newFigures(rounds int) *figures {
	return &figures{
		Go:       runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Rounds:   rounds,
		Modules:  versions(),
	}
}

// versions are those of the modules whose systems are compared, as they are
// linked into this program.
func versions() map[string]string {
	found := make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	linked := make(map[string]string)
	for _, m := range info.Deps {
		linked[m.Path] = m.Version
	}
	for _, m := range system.Makers() {
		if m.Module != "" {
			found[m.Module] = linked[m.Module]
		}
	}
	return found
}

// find is the row of a system in a case; ok is false if it was not measured.
func (f *figures) find(name string, attributes int, of string) (r row, ok bool) {
	for _, r := range f.Rows {
		if r.Case == name && r.Attributes == attributes && r.System == of {
			return r, true
		}
	}
	return row{}, false
}

// A ratio is how much more processor time one takes than the other: of their
// medians, and from the best to the worst of what the rounds leave possible.
type ratio struct{ median, low, high float64 }

func (f *figures) ratio(name string, attributes int, of, to string) (ratio, bool) {
	a, ok := f.find(name, attributes, of)
	b, ok2 := f.find(name, attributes, to)
	if !ok || !ok2 || b.Min == 0 {
		return ratio{}, false
	}
	return ratio{a.Nanoseconds / b.Nanoseconds, a.Min / b.Max, a.Max / b.Min}, true
}

// significant is v with the digits that are worth keeping.
func significant(v float64) float64 {
	if v == 0 {
		return 0
	}
	if v < 0.01 {
		return 0
	}
	scale := math.Pow(10, math.Floor(math.Log10(v))-3)
	if scale >= 1 {
		return math.Round(v/scale) * scale
	}
	inverse := math.Round(1 / scale)
	return math.Round(v*inverse) / inverse
}

func (f *figures) writeJSON(name string) error {
	f.Goals = f.results()
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), 0o644)
}

func readFigures(name string) (*figures, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	f := new(figures)
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}
