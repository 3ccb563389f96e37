package admin

import (
	"fmt"
	"strings"
)

// A ConflictError says that the environment is not what the caller took it to
// be.
type ConflictError struct {
	Environment string
	Expected    uint64 // the generation that the caller planned with
	Generation  uint64 // the generation there is

	// Moved lists what the caller wanted to change and somebody else has
	// changed since Expected. It is empty if only the generation differs.
	Moved []Moved
}

// Moved is a record that somebody else changed.
type Moved struct {
	Set        string
	Key        string // "" for the settings of the set
	Generation uint64 // that changed it
	Change     string // the change that did
	Author     string // who made it
}

func (e *ConflictError) Error() string {
	if len(e.Moved) == 0 {
		return fmt.Sprintf("environment %q has generation %d, not %d: look at what changed and try again",
			e.Environment, e.Generation, e.Expected)
	}
	var what []string
	for _, m := range e.Moved {
		name := fmt.Sprintf("flag %q", m.Key)
		if m.Key == "" {
			name = fmt.Sprintf("the settings of flag set %q", m.Set)
		} else if m.Set != "" {
			name = fmt.Sprintf("flag %q of set %q", m.Key, m.Set)
		}
		what = append(what, fmt.Sprintf("%s was changed by %s in generation %d (change %s)", name, m.Author, m.Generation, m.Change))
	}
	return fmt.Sprintf("environment %q has moved on since generation %d: %s", e.Environment, e.Expected, strings.Join(what, "; "))
}

// A NotFoundError says that something does not exist.
type NotFoundError struct {
	Kind string // "flag", "environment" and so on
	Name string
	Hint string // the way out; may be empty
}

func (e *NotFoundError) Error() string {
	s := fmt.Sprintf("there is no %s %q", e.Kind, e.Name)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// A ShrinkError says that a change would take most of its flags from a set, and
// does not say that this is meant.
type ShrinkError struct{ What string }

func (e *ShrinkError) Error() string {
	return e.What + ", which needs to be said: if it is meant, allow it with --allow-shrink"
}

// An UnknownOutcomeError says that nobody answered whether a change was made.
// It may have been: look for Change in the history before trying again.
type UnknownOutcomeError struct {
	Change string
	Err    error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("it is not known whether change %s was made; look for it in the history: %v", e.Change, e.Err)
}

// Unwrap returns what kept the answer away.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// An UnavailableError says that an environment cannot be changed now.
type UnavailableError struct{ Err error }

func (e *UnavailableError) Error() string { return fmt.Sprintf("cannot publish now: %v", e.Err) }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// A UsageError says that what was asked for makes no sense.
type UsageError struct{ Message string }

func (e *UsageError) Error() string { return e.Message }

// An ExistsError says that something is to be created that is there already.
type ExistsError struct {
	Kind string // "flag" and so on
	Name string
	Hint string // the way out; may be empty
}

func (e *ExistsError) Error() string {
	s := fmt.Sprintf("%s %q already exists", e.Kind, e.Name)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// An InvalidError says that what was to be published has mistakes. Nothing
// was published.
type InvalidError struct{ Findings []Finding }

// A Finding is one mistake in a flag or in the settings of a set.
type Finding struct {
	File    string // that it stands in; "" if it came from no file
	Set     string
	Pointer string // the JSON pointer into the document of the set
	Code    string // for programs
	Message string // for people
}

func (f Finding) String() string {
	s := f.Message
	if f.Pointer != "" {
		s = f.Pointer + ": " + s
	}
	if f.File != "" {
		s = f.File + ": " + s
	}
	return s
}

func (e *InvalidError) Error() string {
	if len(e.Findings) == 1 {
		return "nothing was published: " + e.Findings[0].String()
	}
	return fmt.Sprintf("nothing was published: there are %d mistakes", len(e.Findings))
}
