package admin

import (
	"bytes"
	"slices"

	"github.com/flagline/flagline/internal/flagdoc"
)

// A Document is a flagd document to bring an environment in line with.
type Document struct {
	File string // for messages; "" if it came from no file
	flagdoc.Document
}

// Apply plans to make the flags and the settings of sets what docs say. Only
// what differs in bytes is written. What the documents do not mention stays,
// single evaluators and metadata among the settings too, unless prune is set:
// then it is deleted from the sets that they do mention.
func Apply(docs []Document, prune bool) Plan {
	return func(st State) ([]Edit, error) {
		w, err := gather(docs)
		if err != nil {
			return nil, err
		}
		edits := w.against(st, prune)
		if len(edits) == 0 {
			return nil, nil
		}
		return checked(st, edits, w.origin)
	}
}

// Diff lists what [Apply] would change, in byte order of set, then key, with
// the settings of a set before its flags. It does not look for mistakes.
func Diff(st State, docs []Document, prune bool) ([]Difference, error) {
	w, err := gather(docs)
	if err != nil {
		return nil, err
	}
	return Compare(st, w.against(st, prune)), nil
}

// wanted is what several documents say together.
type wanted struct {
	sets     []string
	settings map[string][]byte // by set; without those that have none
	flags    []Edit
	files    map[record]string // where each record comes from
}

// A record names a flag, or with key "" the settings of a set.
type record struct{ set, key string }

func gather(docs []Document) (wanted, error) {
	w := wanted{settings: make(map[string][]byte), files: make(map[record]string)}
	var twice []Finding
	for _, doc := range docs {
		if !slices.Contains(w.sets, doc.Set) {
			w.sets = append(w.sets, doc.Set)
		}
		twice = append(twice, w.addSettings(doc)...)
		for _, f := range doc.Flags {
			if first, again := w.files[record{doc.Set, f.Key}]; again {
				twice = append(twice, duplicate(doc, "/flags/"+pointer(f.Key), "is also in "+first))
				continue
			}
			w.files[record{doc.Set, f.Key}] = doc.File
			w.flags = append(w.flags, Edit{Set: doc.Set, Key: f.Key, Body: f.Body})
		}
	}
	if twice != nil {
		return wanted{}, &InvalidError{Findings: twice}
	}
	return w, nil
}

// addSettings adds what the flags of doc share to what other documents of its
// set say of that. They may not contradict each other.
func (w *wanted) addSettings(doc Document) []Finding {
	if doc.Settings == nil {
		return nil
	}
	merged, changed := mergeSettings(w.settings[doc.Set], doc.Settings)
	var twice []Finding
	for _, at := range changed {
		twice = append(twice, duplicate(doc, at, "is different in "+w.files[record{doc.Set, ""}]))
	}
	w.settings[doc.Set] = merged
	w.files[record{doc.Set, ""}] = doc.File
	return twice
}

func duplicate(doc Document, at, message string) Finding {
	return Finding{File: doc.File, Set: doc.Set, Pointer: at, Code: "duplicate", Message: message}
}

func (w wanted) origin(set, key string) string {
	if file, ok := w.files[record{set, key}]; ok {
		return file
	}
	return w.files[record{set, ""}] // other settings broke a flag that nobody touched
}

// against returns the edits that lead from st to what is wanted.
func (w wanted) against(st State, prune bool) []Edit {
	var edits []Edit
	for _, set := range w.sets {
		now, body := st.Settings(set), w.settings[set]
		if !prune {
			body, _ = mergeSettings(now, body)
		}
		if !sameSettings(set, now, body) {
			edits = append(edits, Edit{Set: set, Settings: true, Body: body})
		}
	}
	for _, e := range w.flags {
		if old, ok := st.Flag(e.Set, e.Key); !ok || !bytes.Equal(old.Body, e.Body) {
			edits = append(edits, e)
		}
	}
	if !prune {
		return edits
	}
	for _, f := range st.Flags() {
		if _, ok := w.files[record{f.Set, f.Key}]; !ok && slices.Contains(w.sets, f.Set) {
			edits = append(edits, Edit{Set: f.Set, Key: f.Key})
		}
	}
	return edits
}

// mergeSettings lays the settings over upon those of base, and points at the
// metadata and evaluators that base has otherwise.
func mergeSettings(base, over []byte) (merged []byte, changed []string) {
	b, errBase := parseObject("settings", base)
	o, errOver := parseObject("settings", over)
	switch {
	case errBase != nil:
		return over, nil // there are none
	case errOver != nil:
		return base, nil
	}
	for _, m := range o {
		if m.name == "metadata" || m.name == "$evaluators" {
			inner, overwritten := mergeMembers(b.get(m.name), m.value)
			m.value = inner
			for _, name := range overwritten {
				changed = append(changed, "/"+m.name+"/"+pointer(name))
			}
		}
		b.put(m.name, m.value)
	}
	return b.encode(), changed
}

// mergeMembers lays the members of over upon those of base, and names those
// that base has with another value.
func mergeMembers(base, over []byte) (merged []byte, overwritten []string) {
	b, errBase := parseObject("members", base)
	o, errOver := parseObject("members", over)
	if errBase != nil || errOver != nil {
		return over, nil
	}
	for _, m := range o {
		if old := b.get(m.name); old != nil && !bytes.Equal(old, m.value) {
			overwritten = append(overwritten, m.name)
		}
		b.put(m.name, m.value)
	}
	return b.encode(), overwritten
}

// sameSettings says whether a and b mean the same set: settings that only name
// their set say nothing.
func sameSettings(set string, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if set == "" {
		return false
	}
	named := func(settings []byte) []byte {
		return flagdoc.Format(flagdoc.Document{Set: set, Settings: settings})
	}
	return bytes.Equal(named(a), named(b))
}
