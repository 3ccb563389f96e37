package flagdsync

import (
	"encoding/json"
	"strings"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/store"
)

// document writes the flags that sel selects as flagd reads them, in byte order
// of keys, so that the same flags make the same text.
func document(snapshot *store.Snapshot, sel store.Selector) string {
	var text strings.Builder
	text.WriteString(`{"flags":{`)
	comma := ""
	for _, flag := range snapshot.Flags(sel) {
		if m := member(flag); m != "" {
			text.WriteString(comma)
			text.WriteString(m)
			comma = ","
		}
	}
	text.WriteString("}}")
	return text.String()
}

// member returns the flag's key, a colon and its definition, or nothing if it
// never compiled: flagd would refuse all others with it. It is written once and
// kept with the flag, since most flags outlive most documents.
func member(flag *evaluator.Flag) string {
	kept, _ := flag.Keep(func(f *evaluator.Flag) any {
		definition, err := f.Definition()
		if err != nil {
			return ""
		}
		key, err := json.Marshal(f.Key())
		if err != nil {
			return ""
		}
		return string(key) + ":" + string(definition)
	}).(string)
	return kept
}
