package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A listing is one source as --sources has it, with flagd's members.
type listing struct {
	URI      string `json:"uri"`
	Provider string `json:"provider"`

	AuthHeader   string            `json:"authHeader"`
	BearerToken  string            `json:"httpSyncBearerToken"` // as older manifests have it
	FormerBearer string            `json:"bearerToken"`         // as older flagds have it
	Headers      map[string]string `json:"headers"`
	OAuth        *listedOAuth      `json:"oauth"`

	CertPath string `json:"certPath"`
	TLS      bool   `json:"tls"`

	Interval     int64  `json:"interval"` // in seconds
	IntervalSeed string `json:"intervalSeed"`
	TimeoutS     int64  `json:"timeoutS"`

	ProviderID         string `json:"providerID"`
	Selector           string `json:"selector"`
	MaxMsgSize         int    `json:"maxMsgSize"`
	IncrementalUpdates bool   `json:"incrementalUpdates"`
}

type listedOAuth struct {
	ClientID     string `json:"clientID"`
	ClientSecret string `json:"clientSecret"`
	TokenURL     string `json:"tokenUrl"`
	Folder       string `json:"folder"`
	ReloadDelayS int    `json:"reloadDelayS"`
}

// readListing reads one source. A member that nobody knows is refused: a
// source without the selector that somebody misspelled has all flags. What a
// provider has no use for is passed over, as flagd does.
func readListing(text json.RawMessage) (l listing, err error) {
	err = json.Unmarshal(text, &l)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return l, errors.New("this is not a JSON object")
		}
		kind, _, _ := strings.Cut(wrong.Value, " ") // the rest is the value itself
		return l, fmt.Errorf("the member %q cannot be a %s", wrong.Field, kind)
	}
	if err != nil {
		return l, err
	}
	err = checkMembers(text, reflect.TypeFor[listing](), "")
	if err == nil && l.OAuth != nil {
		var nested struct{ OAuth json.RawMessage }
		if err := json.Unmarshal(text, &nested); err != nil {
			return l, err
		}
		err = checkMembers(nested.OAuth, reflect.TypeFor[listedOAuth](), "oauth.")
	}
	return l, err
}

// place names the source for errors, behind its number.
func (l listing) place() string {
	if at := shown(l.URI); at != "" {
		return " (" + at + ")"
	}
	return ""
}

// checkMembers refuses an object with members that a type does not have. The
// prefix is for the names in the error.
func checkMembers(object json.RawMessage, t reflect.Type, prefix string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return err
	}
	var known []string
	for _, field := range reflect.VisibleFields(t) {
		known = append(known, field.Tag.Get("json"))
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		// Case does not matter to flagd.
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if near, ok := nearest(name, known); ok {
			return fmt.Errorf("there is no member %q; did you mean %q?", prefix+name, prefix+near)
		}
		return fmt.Errorf("there is no member %q; there are %s", prefix+name, strings.Join(known, ", "))
	}
	return nil
}

// shown returns as much of an address as anybody may see: no query, and
// nothing at all if there may be a password in it.
func shown(address string) string {
	if strings.Contains(address, "@") {
		return ""
	}
	if end := strings.IndexAny(address, "?#"); end >= 0 {
		return address[:end]
	}
	return address
}

// nearest returns the known name that a misspelled one most likely stands for,
// if any is like it.
func nearest(name string, known []string) (near string, ok bool) {
	fewest := max(2, len(name)/3) + 1
	for _, k := range known {
		if n := edits(strings.ToLower(name), strings.ToLower(k)); n < fewest && n < len(k) {
			near, fewest = k, n
		}
	}
	return near, near != ""
}

// edits returns how many letters have to be added, dropped or replaced to make
// b out of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1) // from what was read of a to each beginning of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
