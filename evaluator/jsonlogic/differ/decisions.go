package differ

import (
	"math"
	"strconv"
)

// chain returns what engines like to make a table of: one variable, compared
// with one constant after the other.
func (g *generator) chain() any {
	k := pick(&g.dice, []kind{text, text, number, version})
	op := pick(&g.dice, []string{"==", "==", "===", "in"})
	of := g.variable(k)
	constant := func() any { return g.constant(k) }
	branches := 1 + g.n(14)
	switch g.n(8) {
	case 7:
		constant = g.spelling
	case 6, 5: // texts that numbers equal
		of, constant = g.variable(number), g.numeral
	}
	if g.rarely(60) { // too many for an engine that wants to look at all pairs
		branches, k, of = 260+g.n(80), text, map[string]any{"var": "plan"}
		g.present[0], g.base[0] = true, g.manyWords()
		constant = g.manyWords
	}
	args := []any{}
	for i := range branches {
		a, b := of, constant()
		odd := g.n(12)
		if branches > 20 {
			odd = 0 // all of it is one table
		}
		switch odd {
		case 11:
			b = g.constant(kind(g.n(int(kinds))))
		case 10:
			a = g.variable(k)
		case 9, 8:
			a, b = b, a
		}
		condition := g.call(op, a, b)
		if op == "in" {
			condition = g.call(op, a, g.constants(k))
		}
		if g.rarely(branches + 16) {
			condition = g.rule(boolean, 2)
		}
		args = append(args, condition, g.branch(i))
	}
	if g.n(3) == 2 { // the table ends where another variable begins
		other := map[string]any{"var": pick(&g.dice, []string{"email", "s", "tags.0", "age"})}
		for i := range 3 {
			args = append(args, g.call(op, other, g.constant(text)), g.branch(i))
		}
	}
	if g.n(2) == 0 {
		args = append(args, g.branch(len(args)))
	}
	if g.n(3) < 2 {
		return g.call(pick(&g.dice, []string{"if", "if", "?:"}), args...)
	}
	return nest(args)
}

// manyWords returns one of so many that a long chain has most of them, and some
// of them twice.
func (g *generator) manyWords() any {
	v := "word-" + strconv.Itoa(g.n(250))
	g.mention(text, v)
	return v
}

// nest writes an if with many branches as many with one each.
func nest(args []any) any {
	if len(args) <= 3 {
		return map[string]any{"if": args}
	}
	return map[string]any{"if": []any{args[0], args[1], nest(args[2:])}}
}

func (g *generator) branch(i int) any {
	switch g.n(8) {
	case 7:
		return g.rule(text, 1)
	case 6:
		return nil
	default:
		return plainTexts[i%len(plainTexts)]
	}
}

// choice returns an if whose branches are of a kind.
func (g *generator) choice(k kind, depth int) any {
	args := []any{g.rule(boolean, depth-1), g.rule(k, depth-1), g.rule(k, depth-1), g.rule(k, depth-1), g.rule(k, depth-1)}
	return g.call(pick(&g.dice, []string{"if", "if", "?:", "or", "and"}), args[:2+g.n(4)]...)
}

// decision returns what engines like to make a graph of: conditions on few
// variables, one inside the branches of the other, so that what is known of a
// variable decides conditions further down.
func (g *generator) decision(depth int) any {
	if depth <= 0 || g.nodes > maxNodes {
		switch g.n(11) {
		case 10:
			return pick(&g.dice, []any{0.0, math.Copysign(0, -1)})
		case 9:
			return nil
		case 8:
			return g.test()
		case 7, 6:
			return g.spelling()
		case 5:
			return g.variable(text)
		default:
			return pick(&g.dice, plainTexts)
		}
	}
	args := []any{g.test(), g.decision(depth - 1)}
	for g.n(3) == 2 {
		args = append(args, g.test(), g.decision(depth-1))
	}
	if g.n(4) > 0 {
		args = append(args, g.decision(depth-1))
	}
	return map[string]any{"if": args}
}

// focusOn makes the tests to come be about one variable and few values.
func (g *generator) focusOn(k kind) {
	g.focus = g.path(k)
	for range 2 + g.n(6) {
		v := g.constant(k)
		if g.n(3) > 0 {
			v = g.spelling()
		}
		g.mention(k, v)
		g.values = append(g.values, v)
	}
	if k == text && g.n(3) == 2 {
		v := pick(&g.dice, []string{"\ufffd", "a\ufffd"})
		g.mention(k, v)
		g.values = append(g.values, v)
	}
}

// focused returns the one variable, now and then with a value in its place.
func (g *generator) focused() any {
	if g.n(6) == 5 {
		return map[string]any{"var": []any{g.focus, pick(&g.dice, g.values)}}
	}
	return map[string]any{"var": g.focus}
}

// test returns a condition that a graph has a node for, or nearly so.
func (g *generator) test() any {
	g.nodes++
	k := pick(&g.dice, []kind{text, text, number, version, boolean, null})
	constant := func() any { return g.constant(k) }
	if k <= number && g.n(2) == 1 {
		constant = g.spelling
	}
	variable := func() any { return g.variable(k) }
	if len(g.values) > 0 && g.n(5) > 0 {
		variable = g.focused
		constant = func() any { return pick(&g.dice, g.values) }
	}
	switch g.n(12) {
	case 11:
		return g.variable(pick(&g.dice, []kind{boolean, text, number, texts, null}))
	case 10:
		return map[string]any{pick(&g.dice, []string{"and", "or"}): []any{g.test(), g.test()}}
	case 9:
		return map[string]any{pick(&g.dice, []string{"!", "!!"}): []any{g.test()}}
	case 8:
		return map[string]any{pick(&g.dice, []string{"<", "<=", ">", ">="}): []any{variable(), constant()}}
	case 7:
		return map[string]any{"in": []any{variable(), []any{constant(), constant(), constant(), g.constant(k)}[:1+g.n(4)]}}
	case 6:
		return g.semver(0)
	case 5:
		return map[string]any{pick(&g.dice, []string{"starts_with", "ends_with"}): []any{variable(), g.affix()}}
	case 4:
		return map[string]any{pick(&g.dice, []string{"==", "!=", "===", "!=="}): []any{constant(), variable()}}
	default:
		return map[string]any{pick(&g.dice, []string{"==", "!=", "===", "!=="}): []any{variable(), constant()}}
	}
}
