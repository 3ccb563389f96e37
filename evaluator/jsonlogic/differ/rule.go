package differ

// A scope is what "var" reads: the context, or in a loop the element.
type scope int

const (
	whole scope = iota
	ofTexts
	ofNumbers
	ofObjects
	ofMixed
	ofReduce
)

// targeting returns a whole rule. The templates see to it that answers are
// spread over values, null and errors.
func (g *generator) targeting() any {
	switch g.n(19) {
	case 18, 17, 16:
		g.narrow = true
		if g.n(3) > 0 {
			g.focusOn(pick(&g.dice, []kind{text, number, version, text}))
		}
		return g.decision(1 + g.n(4))
	case 0, 1:
		return g.rule(text, 3)
	case 2, 3, 4: // a condition without an else often ends in null
		return g.call("if", g.rule(boolean, 3), g.rule(text, 1))
	case 5, 6:
		return g.call("if", g.rule(boolean, 3), g.rule(text, 2), g.rule(text, 2))
	case 7, 8:
		return g.chain()
	case 9:
		return g.call("if", g.rule(boolean, 2), g.fractional(2), nil)
	case 10:
		return g.fractional(3)
	case 11, 12:
		return g.rule(boolean, 4)
	case 13:
		return g.rule(number, 3)
	case 14:
		if g.n(2) == 1 { // an object in a branch, which flagd would execute
			return g.call("if", g.rule(boolean, 2), g.variable(object), g.variable(mixed))
		}
		return g.rule(kind(g.n(int(kinds))), 3)
	default:
		return g.call("if", g.rule(boolean, 3), g.rule(kind(g.n(int(kinds))), 2), g.rule(null, 2))
	}
}

// rule returns a rule that, as a rule, yields the kind that is asked for. Once
// in a while it yields another, which is where most surprises are.
func (g *generator) rule(k kind, depth int) any {
	g.nodes++
	if depth <= 0 || g.nodes > maxNodes || g.n(6) == 0 {
		return g.leaf(k)
	}
	if g.rarely(20) {
		k = kind(g.n(int(kinds)))
	}
	if g.n(14) == 13 {
		return g.choice(k, depth)
	}
	switch k {
	case text:
		return g.textual(depth)
	case number:
		return g.arithmetic(depth)
	case boolean:
		return g.condition(depth)
	case texts, numbers, objects, mixed:
		return g.collection(k, depth)
	case object:
		return g.objectual(depth)
	case null:
		return g.nothing(depth)
	default:
		return g.leaf(k)
	}
}

// leaf returns a constant or a variable.
func (g *generator) leaf(k kind) any {
	switch g.n(8) {
	case 0, 1:
		return g.constant(k)
	case 2:
		return g.variable(k, g.constant(k))
	default:
		return g.variable(k)
	}
}

// constant returns what may stand in a rule as it is: often a value that the
// context holds.
func (g *generator) constant(k kind) any {
	if (g.n(3) == 2 || g.narrow && g.n(4) > 0) && len(g.said[k]) > 0 {
		if v := pick(&g.dice, g.said[k]); isFlat(v) {
			return v
		}
	}
	var v any
	switch k {
	case object:
		return g.literal()
	case objects, mixed:
		return []any{g.constant(text), g.constant(number), pick(&g.dice, constants)}[:g.n(4)]
	default:
		v = g.value(k, 1)
	}
	g.mention(k, v)
	return v
}

// isFlat says whether v holds no object, which in a rule would be a call.
func isFlat(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return false
	case []any:
		for _, element := range v {
			if !isFlat(element) {
				return false
			}
		}
	}
	return true
}

// literal returns an object that is no call: with no member, or with several.
func (g *generator) literal() any {
	o := map[string]any{}
	if g.rarely(4) {
		return o
	}
	o["name"], o["id"] = g.value(text, 0), g.value(number, 0)
	switch g.n(24) {
	case 23:
		o["list"] = []any{map[string]any{"k": g.value(number, 0)}}
	case 22: // data in most places; the loops put values into it
		o["qty"] = map[string]any{"var": g.path(number)}
	case 21:
		o["var"] = g.path(text)
	}
	return o
}

// variable returns a way to read the context.
func (g *generator) variable(k kind, fallback ...any) any {
	p := g.path(k)
	if len(fallback) > 0 {
		return map[string]any{"var": []any{p, fallback[0]}}
	}
	switch g.n(48) {
	case 47:
		return map[string]any{"var": g.oddPath()}
	case 46:
		return map[string]any{"var": map[string]any{"cat": []any{p}}}
	case 45:
		return map[string]any{"var": []any{p, nil, g.constant(k)}}
	case 44, 43, 42, 41, 40, 39, 38, 37:
		return map[string]any{"var": []any{p}}
	default:
		return map[string]any{"var": p}
	}
}

func (g *generator) oddPath() any {
	switch g.n(10) {
	case 0:
		return ""
	case 1:
		return 1.0
	case 2:
		return 1.5
	case 3:
		return []any{}
	case 4:
		return nil
	case 5:
		return true
	case 6:
		return []any{1.0}
	case 7:
		return g.variable(text)
	case 8:
		return []any{[]any{"plan"}}
	default:
		return []any{g.leaf(text), g.leaf(number)}
	}
}

// elements are the variables of a loop over objects.
var elements = [kinds][]string{
	text:    {"name", ".name", "plan", ".plan", "city", "tags.0"},
	number:  {"qty", "id", ".id", "age", ".age", "scores.0"},
	boolean: {"ok", ".ok"},
	version: {"version", ".version"},
	texts:   {"tags", ".tags", "roles"},
	numbers: {"scores"},
	objects: {"list"},
	mixed:   {"list", ".list"},
	object:  {"", "address", "."},
	null:    {"nosuch", "nil", ".nil"},
}

// path names a variable that should be of a kind where the rule stands.
func (g *generator) path(k kind) string {
	if g.scope != whole && g.n(4) != 0 {
		switch g.scope {
		case ofObjects:
			return pick(&g.dice, elements[k])
		case ofMixed:
			return pick(&g.dice, []string{"", "0", "name", "1", ".", "length"})
		case ofReduce:
			return pick(&g.dice, []string{"current", "accumulator", "current.qty", "current.name", "valueType", "", "current.0", ".accumulator"})
		default:
			return pick(&g.dice, []string{"", "", "", ".", "0"})
		}
	}
	if topics := g.topics[k]; g.narrow && len(topics) > 0 && g.n(4) > 0 {
		return pick(&g.dice, topics)
	}
	p := pick(&g.dice, paths[k])
	for range 4 {
		if p.root < 0 || g.present[p.root] {
			break
		}
		p = pick(&g.dice, paths[k])
	}
	g.topics[k] = append(g.topics[k], p.text)
	return p.text
}

// call returns a call of an operator. Now and then an argument too many or too
// few is given, or one that is not in a list.
func (g *generator) call(operator string, args ...any) any {
	switch g.n(160) {
	case 159:
		args = args[:len(args)-1]
	case 158:
		args = append(args, g.leaf(kind(g.n(int(kinds)))))
	case 157:
		if list, ok := args[0].([]any); !ok || isFlat(list) { // data would become arguments
			return map[string]any{operator: args[0]}
		}
	case 156:
		args = []any{}
	}
	return map[string]any{operator: args}
}

// unary returns a call of an operator that needs no list around its argument.
func (g *generator) unary(operator string, arg any) any {
	if g.n(2) == 0 {
		return map[string]any{operator: arg}
	}
	return g.call(operator, arg)
}
