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

// figures are everything that was measured, as bench/provider.json holds it.
type figures struct {
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Processor  string            `json:"processor"` // "" where the system does not tell
	Cores      int               `json:"cores"`
	LoadBefore string            `json:"loadBefore"` // the system's averages over 1, 5 and 15 minutes
	LoadAfter  string            `json:"loadAfter"`
	Rounds     int               `json:"rounds"`
	Batch      string            `json:"batch"`
	Modules    map[string]string `json:"modules"`
	Rows       []row             `json:"rows"`
	Changes    []changeRow       `json:"changes"`
	Contention []contentionRow   `json:"contention"`
	Goals      []result          `json:"goals"`
}

// A row is what one evaluation takes in one way, in nanoseconds of this process.
type row struct {
	Case        string  `json:"case"`
	Attributes  int     `json:"attributes"`
	System      string  `json:"system"`
	Nanoseconds float64 `json:"medianNanoseconds"`
	Min         float64 `json:"minNanoseconds"`
	Max         float64 `json:"maxNanoseconds"`
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

// A changeRow is what an evaluation takes the thread that does it, in nanoseconds,
// while flags change and while they rest.
type changeRow struct {
	System  string  `json:"system"`
	Flag    string  `json:"flag"`
	Rest    float64 `json:"restMedianNanoseconds"`
	RestMin float64 `json:"restMinNanoseconds"`
	RestMax float64 `json:"restMaxNanoseconds"`
	Busy    float64 `json:"changesMedianNanoseconds"`
	BusyMin float64 `json:"changesMinNanoseconds"`
	BusyMax float64 `json:"changesMaxNanoseconds"`
	Heard   float64 `json:"changesPerSecond"` // that reached the provider
}

// A contentionRow is what the mutex profile says of goroutines that evaluate all
// at once while flags change: how often somebody waited for a lock, by whose
// functions were on the stack of who held it.
type contentionRow struct {
	System     string  `json:"system"`
	Goroutines int     `json:"goroutines"`
	Seconds    float64 `json:"seconds"`
	Ours       int64   `json:"ours"`    // see ofProduct
	Others     int64   `json:"others"`  // the SDK's, and gRPC's
	Runtime    int64   `json:"runtime"` // locks that Go's runtime has for itself
	Where      string  `json:"where,omitempty"`
}

func newFigures(s settings) *figures {
	return &figures{
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Processor: processor(), Cores: runtime.NumCPU(), LoadBefore: load(),
		Rounds: s.rounds, Batch: s.batch.String(), Modules: make(map[string]string),
	}
}

func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo") // where there is none it is not said
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func load() string {
	data, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(data)); len(fields) > 2 {
		return strings.Join(fields[:3], ", ")
	}
	return ""
}

// readVersions asks the module for the versions of what is compared.
func (f *figures) readVersions(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "list", "-m",
		"github.com/open-feature/go-sdk",
		"github.com/open-feature/go-sdk-contrib/providers/flagd",
		"github.com/open-feature/go-sdk-contrib/providers/go-feature-flag-in-process",
		"github.com/thomaspoignant/go-feature-flag")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		f.Modules[path] = version
	}
	return nil
}

// find is the row of a way to ask in a case; ok is false if it was not measured.
func (f *figures) find(kase string, attributes int, system string) (r row, ok bool) {
	for _, r := range f.Rows {
		if r.Case == kase && r.Attributes == attributes && r.System == system {
			return r, true
		}
	}
	return row{}, false
}

// A ratio is of medians, and from the best to the worst of what the rounds leave
// possible.
type ratio struct{ median, low, high float64 }

func exactly(v float64) ratio { return ratio{v, v, v} }

// over is what a takes relative to b.
func (a row) over(b row) ratio {
	return ratio{a.Nanoseconds / b.Nanoseconds, a.Min / b.Max, a.Max / b.Min}
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

func hundredths(v float64) float64 { return math.Round(v*100) / 100 }

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
