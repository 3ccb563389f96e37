package differ

import "strings"

// A generator makes one case. It notes what the context holds and what the
// rule mentions, so that each can be made with regard to the other.
type generator struct {
	dice
	present [len(attributes)]bool
	base    [len(attributes)]any
	said    [kinds][]any // constants that the rule mentions
	again   []any        // conditions that it may say once more
	narrow  bool         // the rule goes on about few things
	topics  [kinds][]string
	focus   string // the one variable that most tests are about, if there are values
	values  []any  // what it is compared with
	scope   scope
	nodes   int
}

// maxNodes ends what would otherwise, once in a million cases, grow too large
// to be compared in a reasonable time.
const maxNodes = 120

func (g *generator) make(contexts int) *Case {
	for i := range attributes {
		if g.present[i] = i == targetingKey || g.n(5) < 2; g.present[i] {
			g.base[i] = g.value(attributes[i].kind, 2)
			g.mention(attributes[i].kind, g.base[i])
		}
	}
	g.narrow = g.n(3) == 2
	c := &Case{Rule: g.targeting(), FlagKey: "flag", Now: 1_700_000_000}
	if g.rarely(8) {
		c.FlagKey = pick(&g.dice, []string{"", "a", "flag-é", "1", "free"})
	}
	for i := range contexts {
		c.Contexts = append(c.Contexts, g.context(c, i > 0))
	}
	c.prepare()
	return c
}

// context returns the base, or something near it.
func (g *generator) context(c *Case, changed bool) Context {
	given := make(map[string]any, len(attributes)/2)
	plain := true
	for i, a := range attributes {
		if !g.present[i] {
			continue
		}
		v := g.base[i]
		if changed {
			switch g.n(16) {
			case 0, 1, 2, 3, 4, 5:
				v = g.value(a.kind, 2)
			case 6, 7:
				if v = pick(&g.dice, constants); len(g.said[a.kind]) > 0 {
					v = pick(&g.dice, g.said[a.kind])
				}
			case 8:
				continue
			case 9:
				v = g.value(kind(g.n(int(kinds))), 2)
			}
		}
		if s, ok := v.(string); ok && g.n(2) == 1 && strings.Contains(s, "\ufffd") {
			v, plain = g.goText(s), false
		}
		given[a.name] = v
	}
	if g.rarely(6) {
		plain = false
		g.makeGoTyped(given)
	}
	if g.rarely(12) {
		g.addOddMember(given)
		plain = false
	}
	return c.see(given, plain)
}

// mention notes constants for the rule, and for other contexts, to use.
func (g *generator) mention(k kind, v any) {
	if list, ok := v.([]any); ok {
		for _, element := range list {
			switch element.(type) {
			case string:
				g.said[text] = append(g.said[text], element)
			case float64:
				g.said[number] = append(g.said[number], element)
			}
		}
	}
	if v != nil {
		g.said[k] = append(g.said[k], v)
	}
}

// value returns data of a kind: what stands in a context, or in a list that a
// rule writes out.
func (g *generator) value(k kind, depth int) any {
	if depth <= 0 && k >= texts {
		k = text
	}
	switch k {
	case text:
		return g.word(plainTexts, oddTexts)
	case number:
		return g.word(plainNumbers, oddNumbers)
	case boolean:
		return g.n(2) == 0
	case version:
		if g.n(4) == 3 {
			return g.prerelease()
		}
		return pick(&g.dice, versions)
	case texts:
		return g.list(text, 5, depth)
	case numbers:
		return g.list(number, 5, depth)
	case objects:
		return g.list(object, 4, depth)
	case mixed:
		list := make([]any, g.n(5))
		for i := range list {
			list[i] = g.value(kind(g.n(int(kinds))), depth-1)
		}
		return list
	case object:
		return g.object(depth)
	default:
		return nil
	}
}

func (g *generator) prerelease() any {
	v := pick(&g.dice, []string{"1.2.3-", "1.2.3-", "1.2.4-", "v1.2.3-"}) + pick(&g.dice, identifiers)
	if g.n(3) == 2 {
		v += "." + pick(&g.dice, identifiers)
	}
	return v
}

// spelling returns one of several that mean nearly the same, for the rule and
// for the contexts.
func (g *generator) spelling() any {
	v := pick(&g.dice, spellings)
	if g.n(2) == 1 {
		v = g.numeral()
	}
	g.mention(number, v)
	g.mention(text, v)
	return v
}

func (g *generator) numeral() any {
	v := pick(&g.dice, numerals)
	g.mention(number, v)
	g.mention(text, v)
	return v
}

func (g *generator) word(plain, odd []any) any {
	if g.n(5) == 4 {
		return pick(&g.dice, odd)
	}
	return pick(&g.dice, plain)
}

func (g *generator) list(k kind, most, depth int) any {
	list := make([]any, g.n(most))
	for i := range list {
		of := k
		if g.rarely(20) {
			of = kind(g.n(int(kinds)))
		}
		list[i] = g.value(of, depth-1)
	}
	return list
}

// members of objects that rules know, inside of lists and outside.
var members = []struct {
	name string
	kind kind
}{
	{"name", text},
	{"id", number},
	{"qty", number},
	{"ok", boolean},
	{"tags", texts},
	{"age", number},
	{"version", version},
	{"roles", texts},
	{"scores", numbers},
	{"list", mixed},
	{"plan", text},
	{"nil", null},
	{"city", text},
}

func (g *generator) object(depth int) any {
	o := make(map[string]any, 4)
	for _, m := range members[:1+g.n(len(members))] {
		if g.n(3) == 0 {
			o[m.name] = g.value(m.kind, depth-1)
		}
	}
	switch g.n(12) {
	case 11:
		return map[string]any{}
	case 10: // what flagd might take for a rule
		return map[string]any{pick(&g.dice, suspicious): g.value(kind(g.n(int(kinds))), depth-1)}
	case 9:
		name := pick(&g.dice, suspicious)
		if name == "var" { // what flagd makes of it depends on chance if others can fail beside it
			return map[string]any{"name": g.value(text, 0), name: g.value(text, 0)}
		}
		o[name] = g.value(mixed, depth-1)
	case 8, 7, 6:
		o["address"] = map[string]any{"city": g.value(text, 0), "zip": g.value(number, 0)}
	}
	return o
}

// suspicious are names of members that are operators too, or are not.
var suspicious = []string{"==", "var", "if", "cat", "!", "and", "+", "missing", "nosuch", "k", "", "merge", "fractional", "$ref"}
