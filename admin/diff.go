package admin

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// A Difference is what an edit does to one flag or, with an empty Key, to the
// settings of a set.
type Difference struct {
	Set    string
	Key    string
	Action Action
	Before []byte // nil if it is created
	After  []byte // nil if it is deleted
}

// Compare tells what edits change in st, in byte order of set, then key, with
// the settings of a set before its flags.
func Compare(st State, edits []Edit) []Difference {
	list := make([]Difference, 0, len(edits))
	for _, e := range edits {
		d := Difference{Set: e.Set, Key: e.Key, Action: ActionUpdate, After: e.Body}
		if e.Settings {
			d.Before = st.Settings(e.Set)
		} else if old, ok := st.Flag(e.Set, e.Key); ok {
			d.Before = old.Body
		}
		switch {
		case d.Before == nil:
			d.Action = ActionCreate
		case d.After == nil:
			d.Action = ActionDelete
		}
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Set, b.Set), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// Summary says in a few words what changed, such as "off → on" for another
// default variant. It is "" for what is created or deleted, where the action
// says it all.
func (d Difference) Summary() string {
	before, err := parseObject("before", d.Before)
	if err != nil {
		return ""
	}
	after, err := parseObject("after", d.After)
	if err != nil {
		return ""
	}
	var words []string
	for _, name := range union(before.names(), after.names()) {
		if a, b := before.get(name), after.get(name); !bytes.Equal(a, b) {
			words = append(words, summarize(name, a, b))
		}
	}
	return strings.Join(words, ", ")
}

func summarize(name string, before, after []byte) string {
	switch {
	case name == "targeting" && killedWith(after) != "":
		return "killed with " + killedWith(after)
	case name == "targeting" && killedWith(before) != "":
		return "no longer killed"
	case before == nil:
		return name + " added"
	case after == nil:
		return name + " removed"
	case name == "defaultVariant":
		return plain(before) + " → " + plain(after)
	case name == "state":
		return strings.ToLower(plain(before) + " → " + plain(after))
	}
	return name + " changed"
}

// killedWith returns the variant that targeting, as [Kill] writes it, serves.
func killedWith(targeting []byte) string {
	if _, killed := killedRule(targeting); !killed {
		return ""
	}
	rule, _ := parseObject("targeting", targeting)
	return plain(elements(rule.get("if"))[1])
}

// plain returns what a JSON string says, or else the JSON.
func plain(value []byte) string {
	if s, ok := (object{{value: value}}).text(""); ok {
		return s
	}
	return string(value)
}

// union returns the names of a, then those of b that are not in a.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, name := range b {
		if !slices.Contains(a, name) {
			all = append(all, name)
		}
	}
	return all
}
