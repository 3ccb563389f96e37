package admin

import (
	"slices"
	"strings"

	"github.com/flagline/flagline/evaluator/lint"
	"github.com/flagline/flagline/internal/flagdoc"
)

// checked returns edits, or an [*InvalidError] with every mistake that they
// would bring into the environment. Mistakes that are there already do not
// count: nobody may be kept from killing a flag because of them. origin, which
// may be nil, names the file that a record came from.
func checked(st State, edits []Edit, origin func(set, key string) string) ([]Edit, error) {
	var found []Finding
	for _, set := range setsOf(edits) {
		before, after := affected(st, set, edits)
		mistakes := errorsIn(after)
		if len(mistakes) == 0 {
			continue
		}
		known := make(map[mistake]bool)
		for _, f := range errorsIn(before) {
			known[identify(f)] = true
		}
		for _, f := range mistakes {
			if known[identify(f)] {
				continue
			}
			finding := Finding{Set: set, Pointer: f.Pointer, Code: string(f.Code), Message: f.Message}
			if origin != nil {
				finding.File = origin(set, flagAt(f.Pointer))
			}
			found = append(found, finding)
		}
	}
	if found != nil {
		return nil, &InvalidError{Findings: found}
	}
	return edits, nil
}

// affected returns the part of a set that edits could break, as it is and as
// it would be: the flags that they write, and all flags if they write what the
// flags share.
func affected(st State, set string, edits []Edit) (before, after flagdoc.Document) {
	before = flagdoc.Document{Set: set, Settings: st.Settings(set)}
	after = before
	edited := make(map[string]bool)
	all := false
	for _, e := range edits {
		switch {
		case e.Set != set:
		case e.Settings:
			after.Settings, all = e.Body, true
		default:
			edited[e.Key] = true
			if e.Body != nil {
				after.Flags = append(after.Flags, flagdoc.Flag{Key: e.Key, Body: e.Body})
			}
			if old, ok := st.Flag(set, e.Key); ok {
				before.Flags = append(before.Flags, flagdoc.Flag{Key: e.Key, Body: old.Body})
			}
		}
	}
	if all {
		for _, f := range st.Flags() {
			if f.Set == set && !edited[f.Key] {
				flag := flagdoc.Flag{Key: f.Key, Body: f.Body}
				before.Flags = append(before.Flags, flag)
				after.Flags = append(after.Flags, flag)
			}
		}
	}
	return before, after
}

// CheckText returns an [*InvalidError] about how the JSON text of file is
// written, if there is something that reading it would silently change: a name
// twice in one object, say. It says nothing about what the text means.
func CheckText(file string, text []byte) error {
	var found []Finding
	for _, f := range lint.Spelling(text) {
		found = append(found, Finding{File: file, Pointer: f.Pointer, Code: string(f.Code), Message: f.Message})
	}
	if found == nil {
		return nil
	}
	return &InvalidError{Findings: found}
}

func setsOf(edits []Edit) []string {
	var sets []string
	for _, e := range edits {
		if !slices.Contains(sets, e.Set) {
			sets = append(sets, e.Set)
		}
	}
	return sets
}

func errorsIn(doc flagdoc.Document) []lint.Finding {
	return slices.DeleteFunc(lint.Document(flagdoc.Format(doc)), func(f lint.Finding) bool {
		return f.Severity != lint.SeverityError
	})
}

// A mistake is what makes two findings the same one, though an edit may have
// moved it to another place in the flag.
type mistake struct {
	flag    string
	code    lint.Code
	message string
}

func identify(f lint.Finding) mistake { return mistake{flagAt(f.Pointer), f.Code, f.Message} }

// flagAt returns the key of the flag that pointer leads into, or "".
func flagAt(pointer string) string {
	rest, ok := strings.CutPrefix(pointer, "/flags/")
	if !ok {
		return ""
	}
	key, _, _ := strings.Cut(rest, "/")
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
}
