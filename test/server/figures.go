package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// figures are everything that was measured, as bench/server.json holds it.
type figures struct {
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Rounds     int               `json:"rounds"`
	Flagd      string            `json:"flagd"` // its version; "" if it was not there
	Modules    map[string]string `json:"modules"`
	Rows       []row             `json:"rows"`
	Footprints []footprintRow    `json:"footprints"`
	Broadcasts []broadcastRow    `json:"broadcasts"`
	Programs   []programRow      `json:"programs"`
	Goals      []result          `json:"goals"`
}

// A row is what one server takes for one request in one case, in microseconds.
// What its client takes, too, and how long clients wait, is there to be looked
// at: it is about the client and the machine as well.
type row struct {
	Case      string  `json:"case"`
	System    string  `json:"system"`
	Micros    float64 `json:"medianMicroseconds"`
	Min       float64 `json:"minMicroseconds"`
	Max       float64 `json:"maxMicroseconds"`
	Client    float64 `json:"clientMicroseconds"`
	PerSecond float64 `json:"requestsPerSecond"`
	P50       float64 `json:"p50Microseconds"`
	P99       float64 `json:"p99Microseconds"`
	Bytes     int     `json:"bodyBytes"`
}

// A footprintRow is what flags from a file take: seconds, and mebibytes.
type footprintRow struct {
	System     string  `json:"system"`
	Flags      int     `json:"flags"`
	Rounds     int     `json:"rounds"`
	Start      float64 `json:"startSeconds"` // to the first right answer
	StartUsed  float64 `json:"startProcessorSeconds"`
	Resident   float64 `json:"residentMebibytes"`
	Peak       float64 `json:"peakMebibytes"`
	After      float64 `json:"residentAfterChangesMebibytes"`
	Change     float64 `json:"changeSeconds"` // to the changed answer
	ChangeUsed float64 `json:"changeProcessorSeconds"`
}

// A broadcastRow is what streams take: milliseconds, mebibytes, and kibibytes
// for each stream.
type broadcastRow struct {
	System        string  `json:"system"`
	Kind          string  `json:"kind"`
	Flags         int     `json:"flags"`
	Streams       int     `json:"streams"`
	PerConnection int     `json:"streamsPerConnection"`
	PerStream     float64 `json:"kibibytesPerStream"`
	Resident      float64 `json:"residentMebibytes"`
	After         float64 `json:"residentAfterChangesMebibytes"`
	Used          float64 `json:"changeProcessorMilliseconds"`
	MinUsed       float64 `json:"minChangeProcessorMilliseconds"`
	MaxUsed       float64 `json:"maxChangeProcessorMilliseconds"`
	Last          float64 `json:"lastReceiverMilliseconds"`
	Failed        string  `json:"failed,omitempty"`
}

// A programRow is the size of a program, without what debuggers need.
type programRow struct {
	System string `json:"system"`
	Bytes  int64  `json:"bytes"`
}

func newFigures(rounds int) *figures {
	return &figures{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Rounds: rounds,
		Modules: make(map[string]string),
	}
}

// readVersions asks the module for the versions of what is compared.
func (f *figures) readVersions(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-m",
		"connectrpc.com/connect", "github.com/open-feature/flagd/core", "google.golang.org/grpc")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		f.Modules[path] = version
	}
	if f.Flagd != "" {
		f.Modules[flagdModule] = f.Flagd
	}
	return nil
}

// find is the row of a system in a case; ok is false if it was not measured.
func (f *figures) find(kase, system string) (r row, ok bool) {
	for _, r := range f.Rows {
		if r.Case == kase && r.System == system {
			return r, true
		}
	}
	return row{}, false
}

// A ratio is of medians, and from the best to the worst of what the rounds leave
// possible.
type ratio struct{ median, low, high float64 }

func exactly(v float64) ratio { return ratio{v, v, v} }

func (f *figures) ratio(kase, of, to string) (ratio, bool) {
	a, ok := f.find(kase, of)
	b, ok2 := f.find(kase, to)
	if !ok || !ok2 || b.Min == 0 {
		return ratio{}, false
	}
	return ratio{a.Micros / b.Micros, a.Min / b.Max, a.Max / b.Min}, true
}

func (f *figures) footprint(system string, flags int) (footprintRow, bool) {
	for _, r := range f.Footprints {
		if r.System == system && r.Flags == flags {
			return r, true
		}
	}
	return footprintRow{}, false
}

// significant is v with the digits that are worth keeping.
func significant(v float64) float64 {
	if v <= 0 {
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
