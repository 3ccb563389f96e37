package system

import (
	"errors"

	"github.com/flagline/flagline/test/compare/workload"
)

// A System is ready to answer about the flags and the subjects of one
// workload. It need not be safe for use by several goroutines.
type System interface {
	// Answer evaluates a flag for a subject, both by their number in the
	// workload, and returns the variant. If that fails it returns what went
	// wrong, which is no variant of any flag.
	Answer(flag, subject int) string
}

// ErrCannot says that a system cannot express a workload.
var ErrCannot = errors.New("cannot be expressed")

// nothingToSay is true for a single flag without a rule. A language answers it
// with a constant, as it does in a rotation, and would be timed for that.
func nothingToSay(w workload.Workload) bool {
	return len(w.Flags) == 1 && w.Flags[0].Targeting() == nil
}

// A Maker makes a system ready.
type Maker struct {
	Name   string
	Module string // whose version counts; "" for what is written here
	// Buckets is true for a system that spreads subjects over shares with a
	// hash of its own, so that single answers about shares differ.
	Buckets bool
	New     func(workload.Workload) (System, error)
}

// The names of the systems that others are held against.
const (
	Ours     = "ours"
	OursFlag = "ours, flag in hand"
	Flagd    = "flagd core"
	FloorMap = "floor, map"
)

// Makers are all systems.
func Makers() []Maker {
	return []Maker{
		{Name: Flagd, Module: "github.com/open-feature/flagd/core", New: newFlagd},
		{Name: "jsonlogic, Apply", Module: "github.com/diegoholiveira/jsonlogic/v3", New: newLogicText},
		{Name: "jsonlogic, ApplyInterface", Module: "github.com/diegoholiveira/jsonlogic/v3", New: newLogicValues},
		{Name: "GO Feature Flag", Module: "github.com/thomaspoignant/go-feature-flag/modules/core", Buckets: true, New: newGOFF},
		{Name: "LaunchDarkly", Module: "github.com/launchdarkly/go-server-sdk-evaluation/v3", Buckets: true, New: newLaunchDarkly},
		{Name: "cel-go", Module: "github.com/google/cel-go", New: newCEL},
		{Name: "expr", Module: "github.com/expr-lang/expr", New: newExpr},
		{Name: FloorMap, New: newFloorMap},
		{Name: "floor, struct", New: newFloorStruct},
		{Name: Ours, New: newOurs},
		{Name: OursFlag, New: newOursFlag},
	}
}
