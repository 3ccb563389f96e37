package differ

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"unicode/utf8"
)

// A Case is a rule with contexts to evaluate it in. All its values are shared
// and must not be changed.
type Case struct {
	Rule     any // as encoding/json decodes it
	Contexts []Context
	FlagKey  string
	Now      int64 // seconds since 1970, for $flagd.timestamp

	holdsData       bool // so that there is something to treat, see inert.go
	wild            bool // flagd must not be asked
	inert, poisoned any
}

// A Context is what one evaluation is told.
type Context struct {
	Given map[string]any // as an application gives it

	// Seen is what flagd's rules see of it: encoded as JSON, decoded, and with
	// $flagd in it. It is nil if JSON cannot carry the context.
	Seen map[string]any
}

// contextsPerCase is more than one because an engine that keeps something from
// one evaluation to the next may answer the second one wrongly.
const contextsPerCase = 4

// Make returns the case of a seed that has a number. Its contexts come from
// the same throw of the dice as the rule.
func Make(seed, n uint64) *Case {
	return (&generator{dice: dice{seeded: true, random: *rand.NewPCG(seed, n)}}).make(contextsPerCase)
}

// FromBytes returns the case that the bytes of a fuzzer choose.
func FromBytes(choices []byte) *Case {
	return (&generator{dice: dice{bytes: choices}}).make(2)
}

// New returns the case of a rule and one context.
func New(rule any, given map[string]any) *Case {
	c := &Case{Rule: rule, FlagKey: "flag", Now: 1_700_000_000}
	c.Contexts = []Context{c.see(given, false)}
	c.prepare()
	return c
}

// With returns the case that has only the context i, and may have another rule
// and other values in it.
func (c *Case) With(rule any, given map[string]any) *Case {
	d := &Case{Rule: rule, FlagKey: c.FlagKey, Now: c.Now}
	d.Contexts = []Context{d.see(given, false)}
	d.prepare()
	return d
}

// see works out what flagd sees of a context. If it is plain, its values are
// already what encoding/json would make of them.
func (c *Case) see(given map[string]any, plain bool) Context {
	seen := make(map[string]any, len(given)+1)
	for name, v := range given {
		if !plain && !isPlain(v) {
			var ok bool
			if v, ok = decoded(v); !ok {
				return Context{Given: given}
			}
		}
		seen[string([]rune(name))] = v // with U+FFFD for what is not UTF-8, as encoding/json has it
	}
	seen["$flagd"] = map[string]any{"flagKey": c.FlagKey, "timestamp": float64(c.Now)}
	return Context{Given: given, Seen: seen}
}

// isPlain says whether decoding what encoding v gives would give v.
func isPlain(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case float64:
		return !math.IsNaN(v) && !math.IsInf(v, 0)
	case string:
		return utf8.ValidString(v)
	case []any:
		return v != nil && !slices.ContainsFunc(v, func(element any) bool { return !isPlain(element) })
	case map[string]any:
		for name, member := range v {
			if !utf8.ValidString(name) || !isPlain(member) {
				return false
			}
		}
		return v != nil
	}
	return false
}

// decoded returns what encoding/json makes of v on the way there and back. A
// number may be too large for the way back.
func decoded(v any) (d any, ok bool) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	err = json.Unmarshal(data, &d)
	return d, err == nil
}

// prepare works out what all evaluations of the case share.
func (c *Case) prepare() {
	c.inert, c.poisoned = c.Rule, c.Rule
	if c.holdsData = holdsData(c.Rule); c.holdsData {
		c.inert, c.poisoned = padded.rule(c.Rule, false), poisoned.rule(c.Rule, false)
		c.wild = !equal(c.poisoned, c.Rule)
	}
}
