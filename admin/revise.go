package admin

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// revise plans an edit of a flag that exists.
func revise(set, key string, edit func(flag *object) error) Plan {
	return func(st State) ([]Edit, error) {
		old, ok := st.Flag(set, key)
		if !ok {
			return nil, noFlag(st, set, key)
		}
		flag, err := parseObject(fmt.Sprintf("flag %q", key), old.Body)
		if err != nil {
			return nil, err
		}
		before := flag.encode()
		if err := edit(&flag); err != nil {
			return nil, err
		}
		after := flag.encode()
		if bytes.Equal(before, after) {
			return nil, nil
		}
		return checked(st, []Edit{{Set: set, Key: key, Body: after}}, nil)
	}
}

// Find returns a flag of the named set. With a nil set it looks in the unnamed
// set first, and then takes the flag from the only other set that has it; if
// several have, the error is a [*UsageError] that names them.
func Find(st State, set *string, key string) (Flag, error) {
	if set == nil {
		sets := setsWith(st, key)
		if len(sets) > 1 && sets[0] != "" {
			return Flag{}, usage("flag %q is in the flag sets %s; say which one is meant", key, quoted(sets))
		}
		set = new(string)
		if len(sets) > 0 {
			set = &sets[0] // in byte order, so that the unnamed one is first
		}
	}
	flag, ok := st.Flag(*set, key)
	if !ok {
		return Flag{}, noFlag(st, *set, key)
	}
	return flag, nil
}

// noFlag says that a flag does not exist, and where one of that name does.
func noFlag(st State, set, key string) error {
	e := &NotFoundError{Kind: "flag", Name: key}
	if set != "" {
		e.Hint = "at least not " + inSet(set)
	}
	if others := setsWith(st, key); len(others) > 0 {
		e.Hint = fmt.Sprintf("not %s, but in %s", inSet(set), quoted(others))
	}
	return e
}

func inSet(set string) string {
	if set == "" {
		return "in the unnamed flag set"
	}
	return fmt.Sprintf("in flag set %q", set)
}

func setsWith(st State, key string) []string {
	return slices.DeleteFunc(slices.Clone(st.Sets()), func(set string) bool {
		_, ok := st.Flag(set, key)
		return !ok
	})
}

// quoted lists names for people: "a", "b" and "c".
func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	last := len(list) - 1
	if last < 1 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
