package store

import (
	"fmt"
	"strings"
)

// A Selector narrows what a reader sees. The zero Selector selects everything.
type Selector struct {
	Source string // the name of a source; "" for all of them
	Set    string // the name of a flag set, "" for the unnamed one
	BySet  bool   // whether Set is looked at
}

// ParseSelector reads a selector as flagd spells it: "flagSetId=" and the name
// of a set, or "source=" and the name of a source, or the name of a source
// alone. Nothing selects everything. A selector that nothing answers to is not
// an error.
func ParseSelector(s string) (Selector, error) {
	key, value, ok := strings.Cut(s, "=")
	switch {
	case !ok:
		return Selector{Source: s}, nil
	case key == "flagSetId":
		return Selector{Set: value, BySet: true}, nil
	case key == "source":
		return Selector{Source: value}, nil
	}
	return Selector{}, fmt.Errorf(`selector %q: unknown key %q; there are "flagSetId" and "source"`, s, key)
}

// String returns the selector as [ParseSelector] reads it.
func (s Selector) String() string {
	switch {
	case s.BySet:
		return "flagSetId=" + s.Set
	case s.Source != "":
		return "source=" + s.Source
	default:
		return ""
	}
}
