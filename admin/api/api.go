// Package api spells what travels between the admin API and its callers: the
// JSON bodies that schemas/openapi.json describes. It holds data only, so that
// a client links nothing of the server.
package api

import (
	"encoding/json"
	"time"
)

// A Flag is one flag as it stands in an environment.
type Flag struct {
	Environment string          `json:"environment"`
	Set         string          `json:"set"`
	Key         string          `json:"key"`
	Generation  uint64          `json:"generation"` // that brought the definition
	Change      string          `json:"change"`     // that brought it
	Author      string          `json:"author"`     // of that change
	Flag        json.RawMessage `json:"flag"`       // a flagd flag
}

// Flags is one page of the flags of an environment.
type Flags struct {
	Environment string `json:"environment"`
	Generation  uint64 `json:"generation"`
	Flags       []Flag `json:"flags"`
	Next        string `json:"next"` // where the next page begins; "" on the last one
}

// An Environment is what there is to change.
type Environment struct {
	Environment string   `json:"environment"`
	Generation  uint64   `json:"generation"`
	Digest      string   `json:"digest"`
	Flags       int      `json:"flags"` // how many
	Sets        []string `json:"sets"`
}

// Environments lists all environments in byte order of their names.
type Environments struct {
	Environments []Environment `json:"environments"`
}

// A Verb is what a [ChangeRequest] asks for.
type Verb string

// The verbs, and what they read of a [ChangeRequest] beside the key.
const (
	VerbSet      Verb = "set"    // Definition, or else Parts
	VerbCreate   Verb = "create" // Definition, or else Parts
	VerbEnable   Verb = "enable"
	VerbDisable  Verb = "disable"
	VerbToggle   Verb = "toggle"
	VerbKill     Verb = "kill" // Variant
	VerbDelete   Verb = "delete"
	VerbRollback Verb = "rollback" // To
	VerbApply    Verb = "apply"    // Documents and Prune, and no key
)

// A ChangeRequest asks for one change.
type ChangeRequest struct {
	Verb Verb `json:"verb"`

	// Set is the flag set. If it is absent, an existing flag is looked for
	// first in the unnamed set and then in all others, a new one goes to
	// the unnamed set, and a document goes to the set that it names.
	Set *string `json:"set,omitempty"`
	Key string  `json:"key,omitempty"`

	Author           string  `json:"author"` // who; must not be empty
	Reason           string  `json:"reason,omitempty"`
	DryRun           bool    `json:"dryRun,omitempty"`           // only say what would change
	ExpectGeneration uint64  `json:"expectGeneration,omitempty"` // refuse if the environment has another
	Wait             float64 `json:"wait,omitempty"`             // how many seconds to wait for convergence

	Variant     string          `json:"variant,omitempty"`
	To          uint64          `json:"to,omitempty"` // 0 is before the last change
	Definition  json.RawMessage `json:"definition,omitempty"`
	Parts       *Parts          `json:"parts,omitempty"`
	Documents   []Document      `json:"documents,omitempty"`
	AllowShrink bool            `json:"allowShrink,omitempty"` // let a flag set lose most of its flags
	Prune       bool            `json:"prune,omitempty"`       // delete what the documents do not mention
}

// Parts is what can be said of a flag piece by piece. What is absent stays as
// it is; an empty text or an empty list removes what it stands for.
type Parts struct {
	DefaultVariant *string         `json:"defaultVariant,omitempty"`
	State          *string         `json:"state,omitempty"`     // "enabled" or "disabled"
	Targeting      json.RawMessage `json:"targeting,omitempty"` // null removes it
	Variants       json.RawMessage `json:"variants,omitempty"`  // an object: those to add or replace
	Description    *string         `json:"description,omitempty"`
	Owner          *string         `json:"owner,omitempty"`
	Tags           *[]string       `json:"tags,omitempty"`
}

// A Document is a flagd document on its way to an environment.
type Document struct {
	File     string          `json:"file,omitempty"` // named in messages
	Document json.RawMessage `json:"document"`
}

// A Change is one atomic publication, made or only tried.
type Change struct {
	Change      *string      `json:"change"` // its id; nil if nothing was published
	Environment string       `json:"environment"`
	Generation  uint64       `json:"generation"`
	Digest      string       `json:"digest"`
	Author      string       `json:"author"`
	Reason      string       `json:"reason"`
	Time        *time.Time   `json:"time"` // nil if nothing was published
	DryRun      bool         `json:"dryRun"`
	Flags       []Touched    `json:"flags"`
	Convergence *Convergence `json:"convergence,omitempty"` // if it was waited for
}

// Touched is one flag of a change; with an empty Key, the settings of a set.
type Touched struct {
	Set     string `json:"set"`
	Key     string `json:"key"`
	Action  string `json:"action"`            // "create", "update" or "delete"
	Summary string `json:"summary,omitempty"` // for people, such as "off → on"
}

// Convergence says how far a generation has come in the fleet.
type Convergence struct {
	Generation uint64     `json:"generation"`
	Expected   int        `json:"expected"` // how many instances are known
	Applied    int        `json:"applied"`
	Rejected   []Rejected `json:"rejected"`
	Silent     []string   `json:"silent"`
}

// Complete says whether there is an instance and every one of them applied
// the generation.
func (c Convergence) Complete() bool { return c.Expected > 0 && c.Applied == c.Expected }

// Rejected is an instance that refused a generation.
type Rejected struct {
	Instance string `json:"instance"`
	Reason   string `json:"reason"`
}

// History lists changes, newest first.
type History struct {
	Changes []Change `json:"changes"`
}

// A DiffRequest asks what applying documents would change.
type DiffRequest struct {
	Set       *string    `json:"set,omitempty"`
	Documents []Document `json:"documents"`
	Prune     bool       `json:"prune,omitempty"`
}

// A Diff is what documents say otherwise than an environment.
type Diff struct {
	Equal bool         `json:"equal"`
	Flags []Difference `json:"flags"`
}

// A Difference is one flag that differs; with an empty Key, the settings of a
// set.
type Difference struct {
	Set     string          `json:"set"`
	Key     string          `json:"key"`
	Action  string          `json:"action"`
	Summary string          `json:"summary,omitempty"`
	Before  json.RawMessage `json:"before"` // null if it is created
	After   json.RawMessage `json:"after"`  // null if it is deleted
}

// An EvaluateRequest asks what a subject would get.
type EvaluateRequest struct {
	Set     *string        `json:"set,omitempty"`
	Key     string         `json:"key"`
	Context map[string]any `json:"context,omitempty"`
	Type    string         `json:"type,omitempty"` // bool, string, int, float or object; "" takes any
}

// An Evaluation is what a subject would get, and why.
type Evaluation struct {
	Key          string          `json:"key"`
	Value        json.RawMessage `json:"value"`   // null: the application's own default
	Variant      *string         `json:"variant"` // null if Value is
	Reason       string          `json:"reason"`
	ErrorCode    *string         `json:"errorCode"`
	ErrorDetails *string         `json:"errorDetails"`
	Metadata     map[string]any  `json:"metadata"`
	Generation   uint64          `json:"generation"`
}

// A Fleet is the instances of an environment.
type Fleet struct {
	Environment string     `json:"environment"`
	Generation  uint64     `json:"generation"` // of the environment
	Instances   []Instance `json:"instances"`
}

// An Instance is one sidecar or in-process provider.
type Instance struct {
	Instance   string  `json:"instance"`
	Service    string  `json:"service"`
	Version    string  `json:"version"`
	Generation uint64  `json:"generation"`
	Digest     string  `json:"digest"`
	State      string  `json:"state"` // "applied", "rejected", "silent" or "stale"
	Reason     string  `json:"reason"`
	AgeSeconds float64 `json:"ageSeconds"` // since it last knew that it was current
}
