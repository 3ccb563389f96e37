package flagtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

// Set makes flag answer value to everybody, with the reason STATIC. The value
// is a bool, a string, a number, or what encoding/json makes an object of: a
// map or a struct. Anything else fails the test, as does a whole number beyond
// 2^53, which flags cannot hold.
func (f *Flags) Set(flag string, value any) {
	f.t.Helper()
	body, err := constant(value)
	if err != nil {
		f.t.Fatalf("flag %q: %v", flag, err)
		return
	}
	f.define(flag, body)
}

// SetJSON makes definition, a flag as it stands in a flagd document, what flag
// means. A mistake fails the test and names its place. The rules may use the
// "$evaluators" of the document that was loaded last.
func (f *Flags) SetJSON(flag, definition string) {
	f.t.Helper()
	var body json.RawMessage
	if err := json.Unmarshal([]byte(definition), &body); err != nil {
		f.t.Fatalf("flag %q: %s", flag, placed(definition, err))
		return
	}
	f.define(flag, body)
}

// Load adds the flags of the flagd document in the file at path, JSON or YAML
// by its extension. Flags of the same keys that were there before mean what
// the document says. A mistake fails the test and names its place.
func (f *Flags) Load(path string) {
	f.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatalf("load flags: %v", err)
		return
	}
	doc, err := flagdoc.ParseFile(path, data)
	if err != nil {
		f.t.Fatalf("load flags: %v", err)
		return
	}
	f.source.settle(doc.Set)
	records := doc.Records()
	for _, r := range records {
		f.mend(r.Key)
	}
	if rejected := f.source.put(records); len(rejected) > 0 {
		f.t.Fatalf("load flags: %s: %s", path, told(rejected))
	}
}

// Unset makes flag unknown: it answers with FLAG_NOT_FOUND and the caller's
// default. It does not matter whether it was set.
func (f *Flags) Unset(flag string) {
	f.mend(flag)
	f.source.remove(flag)
}

// Disable switches flag off, whose definition stays: it answers with the
// caller's default and the reason DISABLED, which is no error. A flag that was
// not set fails the test.
func (f *Flags) Disable(flag string) {
	f.t.Helper()
	r, ok := f.source.record(flag)
	if !ok {
		f.t.Fatalf("flag %q: it is not set, so it cannot be disabled", flag)
		return
	}
	var members map[string]json.RawMessage
	err := json.Unmarshal(r.Body, &members)
	if err != nil {
		f.t.Fatalf("flag %q: %v", flag, err)
		return
	}
	members["state"] = json.RawMessage(`"DISABLED"`)
	body, err := json.Marshal(members)
	if err != nil {
		f.t.Fatalf("flag %q: %v", flag, err)
		return
	}
	f.define(flag, body)
}

// Fail makes each question about flag fail with code, until the flag is set
// again: the caller gets its default, the reason ERROR and the code. A code
// that OpenFeature does not have fails the test.
func (f *Flags) Fail(flag string, code openfeature.ErrorCode) {
	f.t.Helper()
	if !slices.Contains(codes, code) {
		f.t.Fatalf("flag %q: there is no error code %q; there are %q", flag, code, codes)
		return
	}
	// What stands for the flag meanwhile is there so that handlers hear of it.
	f.define(flag, []byte(`{"state":"DISABLED","variants":{"error":`+strconv.Quote(string(code))+`}}`))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[flag] = code
}

func (f *Flags) define(flag string, body []byte) {
	f.t.Helper()
	f.mend(flag)
	r, _ := f.source.record(flag)
	r.Body = body
	if rejected := f.source.put([]source.Record{r}); len(rejected) > 0 {
		f.t.Fatalf("%s", told(rejected))
	}
}

// mend ends what Fail began.
func (f *Flags) mend(flag string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.failing, flag)
}

// told says what is wrong with flags that did not compile.
func told(rejected []source.Rejection) string {
	var all []string
	for _, r := range rejected {
		reason := strings.ReplaceAll(r.Reason, "\n", "; ")
		if r.Key != "" {
			reason = fmt.Sprintf("flag %q: %s", r.Key, reason)
		}
		all = append(all, reason)
	}
	return strings.Join(all, "\n")
}

// constant is the definition of a flag that answers value to everybody.
func constant(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("its value: %w", err)
	}
	variants, chosen := map[string]json.RawMessage{"value": text}, "value"
	switch text[0] {
	case 't', 'f':
		variants = map[string]json.RawMessage{"on": []byte("true"), "off": []byte("false")}
		if chosen = "off"; text[0] == 't' {
			chosen = "on"
		}
	case '"', '{':
	case 'n', '[':
		return nil, fmt.Errorf("its value is %s: a flag is a bool, a string, a number or an object", text)
	default:
		if err := exact(string(text)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(map[string]any{"state": "ENABLED", "variants": variants, "defaultVariant": chosen})
}

// exact refuses whole numbers that a float64, the only number of JSON's usual
// readers, cannot tell from their neighbours.
func exact(number string) error {
	const most = 1 << 53
	if strings.ContainsAny(number, ".eE") {
		return nil
	}
	if n, err := strconv.ParseInt(number, 10, 64); err != nil || n > most || n < -most {
		return fmt.Errorf("its value is %s: flags hold whole numbers up to 2^53", number)
	}
	return nil
}

// placed says in which line of text the mistake err of its JSON stands.
func placed(text string, err error) string {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err.Error()
	}
	before := text[:min(int(syntax.Offset), len(text))]
	return fmt.Sprintf("line %d: %v", 1+strings.Count(before, "\n"), err)
}
