// Package admin holds the words of change: what a change is, how one is
// planned and checked, and why one may be refused.
//
// A verb such as "enable" becomes a [Plan]: a function from the state of an
// environment to the records to write. A [Ledger] commits what a plan says as
// one change, and asks it again if the environment moved in the meantime.
// Where records rest and how they travel is the ledger's affair; package
// ledger keeps them on NATS. Package rest offers the same words over HTTP.
package admin

import (
	"context"
	"time"
)

// A State is what an environment holds at one generation. It is immutable.
type State interface {
	Environment() string
	Generation() uint64 // 0 if nothing was ever published
	Digest() string     // in hexadecimal

	// Flag finds a flag. Its body must not be changed.
	Flag(set, key string) (Flag, bool)

	// Flags lists all flags in byte order of set, then key.
	Flags() []Flag

	// Sets lists the names of all flag sets in byte order.
	Sets() []string

	// Settings is what the flags of a set share: the members of a flagd
	// document other than "flags". It is nil if the set has none, and must
	// not be changed.
	Settings(set string) []byte
}

// A Flag is one flag as it stands in an environment.
type Flag struct {
	Set        string
	Key        string
	Body       []byte // a flagd flag, as JSON
	Generation uint64 // that brought this body
	Change     string // the change that brought it
	Author     string // of that change
}

// An Edit writes one record, or removes it.
type Edit struct {
	Set      string
	Key      string // the flag; "" with Settings
	Settings bool   // the record is the settings of the set
	Body     []byte // nil removes the record
}

// A Plan says which records to write, given the state it is shown. It may be
// called again with a newer state, so it keeps nothing, and it is called while
// the ledger is locked, so it must not call the ledger. No edits means that
// there is nothing to do.
type Plan func(State) ([]Edit, error)

// A Draft is a change before it is made.
type Draft struct {
	Author string // who; must not be empty
	Reason string // why, for the record; may be empty
	Plan   Plan

	// AllowShrink says that a flag set may lose all its flags, or most of
	// them. Without it such a change is refused with a [*ShrinkError]: it
	// is what a truncated file or a mistaken script does.
	AllowShrink bool

	// Expect, unless it is 0, is the generation that the environment must
	// still have: if it has another, the change is refused with a
	// [*ConflictError].
	Expect uint64
}

// A Change is one attributed, atomic publication of one or more records.
type Change struct {
	ID          string // "" if there was nothing to do
	Environment string
	Generation  uint64 // that the change made
	Digest      string // of that generation
	Author      string
	Reason      string
	Time        time.Time
	Flags       []Touched
}

// An Action is what a change did to a flag.
type Action string

// What a change can do to a flag.
const (
	ActionCreate Action = "create"
	ActionUpdate Action = "update"
	ActionDelete Action = "delete"
)

// Touched is one flag that a change touched. Changed settings of a set are
// told as a Touched with an empty Key.
type Touched struct {
	Set    string
	Key    string
	Action Action
}

// A Ledger keeps one environment. Its methods may be called from any number of
// goroutines.
type Ledger interface {
	// State is the newest state known.
	State() State

	// Commit makes the change that draft describes. It first waits until
	// it knows the newest state. If the environment moves while it
	// publishes, the plan is asked again, unless one of the records that
	// the plan touches has moved: then nothing is published and the error
	// is a [*ConflictError] that names what moved. If it cannot be known
	// whether the change was made, the error is an
	// [*UnknownOutcomeError]. A plan's own error is returned as it is.
	Commit(ctx context.Context, draft Draft) (Change, error)

	// Preview plans draft against the newest state and returns the change
	// that Commit would make, without an ID, and publishes nothing.
	Preview(ctx context.Context, draft Draft) (Change, error)

	// History lists changes, newest first.
	History(ctx context.Context, q HistoryQuery) ([]Change, error)

	// FlagAt is the flag as it stood when the environment had reached
	// generation; ok is false if it did not exist then.
	FlagAt(ctx context.Context, set, key string, generation uint64) (flag Flag, ok bool, err error)
}

// A HistoryQuery selects changes.
type HistoryQuery struct {
	Set string // with Key: only changes that touched this flag
	Key string // "" selects changes to anything

	// Before, unless it is 0, selects changes with a lower generation.
	Before uint64

	// Limit is the largest number of changes to return; 0 means 50.
	Limit int
}
