package differ

// collection returns a rule that is meant to yield a list.
func (g *generator) collection(k kind, depth int) any {
	switch g.n(12) {
	case 0, 1, 2:
		return g.filtered(k, depth-1)
	case 3, 4:
		return g.mapped(k, depth-1)
	case 5, 6:
		return g.call("merge", []any{g.rule(k, depth-1), g.rule(k, depth-1), g.leaf(text)}[:1+g.n(3)]...)
	case 7:
		return g.missing(depth - 1)
	case 8:
		return g.unary("merge", g.rule(kind(g.n(int(kinds))), depth-1))
	case 9, 10:
		return g.constants(of(k))
	default:
		return []any{g.rule(kind(g.n(int(kinds))), depth-1), []any{g.rule(text, depth-1)}}
	}
}

// of returns what a list of kind k holds.
func of(k kind) kind {
	switch k {
	case texts:
		return text
	case numbers:
		return number
	case objects:
		return object
	default:
		return text
	}
}

// subject returns the list of a loop. One that is written out is data.
func (g *generator) subject(k kind, depth int) any {
	switch g.n(10) {
	case 0, 1:
		return g.value(k, 2)
	case 2, 3:
		return g.rule(k, depth)
	case 4:
		return g.leaf(k)
	case 5:
		if g.rarely(4) {
			return pick(&g.dice, []any{nil, "a", 1.0, true, map[string]any{}, map[string]any{"a": 1.0, "b": 2.0}})
		}
	}
	return g.variable(k)
}

var listKinds = []kind{objects, texts, numbers, objects, mixed}

// within makes what a loop does with each element.
func (g *generator) within(s scope, body func() any) any {
	before := g.scope
	g.scope = s
	rule := body()
	g.scope = before
	return rule
}

func scopeOf(k kind) scope {
	switch k {
	case texts:
		return ofTexts
	case numbers:
		return ofNumbers
	case objects:
		return ofObjects
	default:
		return ofMixed
	}
}

// about returns a condition on the element of a loop.
func (g *generator) about(k kind, depth int) any {
	return g.within(scopeOf(k), func() any {
		switch g.n(12) {
		case 11:
			return g.leaf(boolean)
		case 10:
			return g.variable(kind(g.n(int(kinds))))
		case 9:
			return g.literal()
		case 8, 7, 6:
			return g.condition(max(depth, 1))
		default:
			return g.equality(min(depth, 1))
		}
	})
}

func (g *generator) filtered(k kind, depth int) any {
	return g.call("filter", g.subject(k, depth), g.about(k, depth))
}

func (g *generator) quantifier(depth int) any {
	k := pick(&g.dice, listKinds)
	return g.call(pick(&g.dice, []string{"some", "all", "none"}), g.subject(k, depth), g.about(k, depth))
}

func (g *generator) mapped(k kind, depth int) any {
	from := pick(&g.dice, listKinds)
	return g.call("map", g.subject(from, depth), g.within(scopeOf(from), func() any { return g.rule(of(k), max(depth, 1)) }))
}

// reduction returns a fold that is meant to yield a number or a text.
func (g *generator) reduction(k kind, depth int) any {
	from, op := numbers, "+"
	if k == text {
		from, op = texts, "cat"
	}
	if g.rarely(4) {
		from = pick(&g.dice, listKinds)
	}
	start := g.constant(k)
	if g.rarely(5) {
		start = g.rule(kind(g.n(int(kinds))), depth)
	}
	body := g.within(ofReduce, func() any {
		switch g.n(6) {
		case 0, 1, 2:
			return map[string]any{op: []any{map[string]any{"var": "accumulator"}, map[string]any{"var": "current"}}}
		case 3:
			return g.condition(2)
		default:
			return g.rule(k, 2)
		}
	})
	return g.call("reduce", g.subject(from, depth), body, start)
}

func (g *generator) missing(depth int) any {
	names := make([]any, 1+g.n(4))
	for i := range names {
		names[i] = g.path(kind(g.n(int(kinds))))
		if g.rarely(24) {
			names[i] = g.oddPath()
		}
	}
	switch g.n(6) {
	case 0, 1:
		return map[string]any{"missing": names}
	case 2:
		return g.unary("missing", g.rule(texts, depth))
	default:
		return g.call("missing_some", g.constant(number), names)
	}
}

// objectual returns a rule that is meant to yield an object. The names of
// members that "set" adds are never those of operators: see inert.go.
func (g *generator) objectual(depth int) any {
	if g.n(3) == 0 {
		return g.leaf(object)
	}
	var name any = pick(&g.dice, []string{"name", "id", "k", ""})
	if g.rarely(4) {
		name = map[string]any{"cat": []any{"p", g.leaf(text)}}
	}
	of := g.leaf(object)
	if g.n(2) == 0 {
		of = g.literal()
	}
	return g.call("set", of, name, g.rule(kind(g.n(int(kinds))), depth-1))
}

// nothing returns a rule that is meant to yield null.
func (g *generator) nothing(depth int) any {
	switch g.n(8) {
	case 0, 1, 2:
		return g.variable(null)
	case 3:
		return map[string]any{"if": []any{}}
	case 4:
		return map[string]any{pick(&g.dice, []string{"max", "min", "and", "or", "set"}): []any{}}
	case 5:
		return g.call("starts_with", g.rule(number, depth-1), g.leaf(text))
	case 6:
		return g.call("if", g.rule(boolean, depth-1), nil)
	default:
		return g.semver(depth - 1)
	}
}

// fractional returns a distribution: most of them right, some wrong.
func (g *generator) fractional(depth int) any {
	args := []any{}
	switch g.n(8) {
	case 0, 1:
		args = append(args, map[string]any{"var": "email"})
	case 2:
		args = append(args, map[string]any{"cat": []any{map[string]any{"var": "$flagd.flagKey"}, g.leaf(text)}})
	case 3:
		args = append(args, g.rule(text, depth-1))
	case 4:
		if g.n(2) == 1 {
			args = append(args, g.leaf(kind(g.n(int(kinds)))))
		}
	}
	for i := range 1 + g.n(5) {
		args = append(args, g.share(i, depth))
	}
	return g.call("fractional", args...)
}

func (g *generator) share(i, depth int) any {
	variant := plainTexts[i]
	switch g.n(16) {
	case 15:
		variant = g.rule(kind(g.n(int(kinds))), depth-1)
	case 14:
		variant = g.rule(text, depth-1)
	case 13, 12:
		variant = pick(&g.dice, constants)
	}
	var weight any = float64(10 * (1 + g.n(9)))
	switch g.n(20) {
	case 19:
		weight = pick(&g.dice, oddWeights)
	case 18:
		weight = g.rule(number, depth-1)
	case 17, 16:
		return []any{variant}
	case 15:
		weight = float64(g.n(4))
	case 14:
		if g.rarely(4) {
			return pick(&g.dice, []any{variant, []any{}, nil})
		}
	}
	return []any{variant, weight}
}
