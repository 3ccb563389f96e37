package flagdoc

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Format writes d as JSON: indented by two spaces, settings first, flags in
// byte order of their keys, a newline at the end. Equal documents give equal
// bytes, and [Parse] reads back what was written.
//
// If d.Set is not "" and the settings do not name it, Format adds it, because
// the document would otherwise lose its name. Settings that are not a JSON
// object have no place in a document and are left out.
func Format(d Document) []byte {
	flags := make([]member, 0, len(d.Flags))
	for _, f := range slices.SortedStableFunc(slices.Values(d.Flags), byKey) {
		flags = append(flags, member{quote(f.Key), f.Body})
	}
	settings, err := compact(d.Settings)
	if err != nil {
		settings = nil
	}
	list := slices.Collect(members(named(settings, d.Set)))
	text := join(append(list, member{[]byte(`"flags"`), join(flags)}))

	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return append(text, '\n') // a body is not JSON: let the reader see it
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// named returns settings whose metadata.flagSetId is set, unless set is "".
func named(settings []byte, set string) []byte {
	if set == "" || setName(settings) == set {
		return settings
	}
	id := member{quoted: []byte(`"flagSetId"`), value: quote(set)}
	metadata := member{quoted: []byte(`"metadata"`)}
	metadata.value = join(with(slices.Collect(members(lookup(settings, "metadata"))), id))
	return join(with(slices.Collect(members(settings)), metadata))
}

// with returns list with m in the place of the last member of that name, which
// is the one that counts.
func with(list []member, m member) []member {
	for i, old := range slices.Backward(list) {
		if old.name() == m.name() {
			list[i] = m
			return list
		}
	}
	return append(list, m)
}
