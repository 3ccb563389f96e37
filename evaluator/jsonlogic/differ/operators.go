package differ

import "math"

// condition returns a rule that is meant to yield true or false.
func (g *generator) condition(depth int) any {
	if len(g.again) > 0 && g.n(10) == 9 {
		return pick(&g.dice, g.again)
	}
	c := g.newCondition(depth)
	if g.scope == whole {
		g.again = append(g.again, c)
	}
	return c
}

func (g *generator) newCondition(depth int) any {
	switch g.n(24) {
	case 0, 1, 2, 3, 4:
		return g.equality(depth - 1)
	case 5, 6, 7:
		return g.order(depth - 1)
	case 8, 9, 10:
		return g.membership(depth - 1)
	case 11, 12:
		args := []any{g.rule(boolean, depth-1), g.rule(boolean, depth-1), g.rule(boolean, depth-1), g.rule(text, depth-1)}
		return g.call(pick(&g.dice, []string{"and", "or"}), args[:1+g.n(4)]...)
	case 13:
		return g.unary("!", g.rule(boolean, depth-1))
	case 14:
		return g.unary(pick(&g.dice, []string{"!", "!!"}), g.rule(kind(g.n(int(kinds))), depth-1))
	case 15, 16:
		return g.call(pick(&g.dice, []string{"starts_with", "ends_with"}), g.rule(text, depth-1), g.affix())
	case 17, 18, 19:
		return g.semver(depth - 1)
	case 20, 21:
		return g.quantifier(depth - 1)
	case 22:
		op := pick(&g.dice, []string{"contains_all", "contains_any", "contains_none"})
		of := pick(&g.dice, []kind{texts, numbers, mixed})
		return g.call(op, g.rule(of, depth-1), g.rule(of, depth-1))
	default:
		return g.rule(kind(g.n(int(kinds))), depth-1)
	}
}

func (g *generator) affix() any {
	switch g.n(4) {
	case 0:
		return pick(&g.dice, []any{"a", "", "@example.com", "@faas.com", "user-", "ada", " ", "\u2028"})
	default:
		return g.rule(text, 1)
	}
}

func (g *generator) equality(depth int) any {
	op := pick(&g.dice, []string{"==", "!=", "===", "!==", "=="})
	k := kind(g.n(int(version) + 1))
	other := k
	if g.n(5) == 4 {
		other = kind(g.n(int(kinds)))
	}
	a, b := g.rule(k, depth), g.constant(other)
	switch g.n(6) {
	case 5, 4:
		b = g.rule(other, depth)
	case 3:
		b = g.spelling()
	}
	if g.n(4) == 3 {
		a, b = b, a
	}
	return g.call(op, a, b)
}

func (g *generator) order(depth int) any {
	op := pick(&g.dice, []string{"<", "<=", ">", ">="})
	k := pick(&g.dice, []kind{number, number, number, text})
	other := k
	if g.n(4) == 3 {
		other = kind(g.n(int(kinds)))
	}
	args := []any{g.rule(k, depth), g.rule(other, depth)}
	switch g.n(10) {
	case 9, 8:
		args = append(args, g.rule(k, depth))
	case 7:
		args[1] = g.spelling()
	}
	return g.call(op, args...)
}

func (g *generator) membership(depth int) any {
	switch g.n(10) {
	case 0, 1, 2:
		return g.call("in", g.rule(text, depth), g.constants(text))
	case 3, 4:
		return g.call("in", g.rule(text, depth), g.rule(texts, depth))
	case 5:
		return g.call("in", g.leaf(text), g.rule(text, depth))
	case 6:
		return g.call("in", g.rule(number, depth), g.constants(number))
	case 7: // ranges
		span := []any{g.constant(number), g.rule(number, depth-1), g.constant(text)}[:2+g.n(2)]
		return g.call("in", g.rule(number, depth), []any{span, g.constant(number), []any{1.0, 100.0}})
	case 8:
		return g.call("in", g.rule(kind(g.n(int(kinds))), depth), g.rule(mixed, depth))
	default:
		return g.call("in", g.rule(kind(g.n(int(kinds))), depth), g.rule(kind(g.n(int(kinds))), depth))
	}
}

// constants returns a written list, now and then with something else in it.
func (g *generator) constants(k kind) any {
	most := 6
	if g.rarely(5) {
		most = 14
	}
	list := make([]any, 1+g.n(most))
	for i := range list {
		if list[i] = g.constant(k); g.rarely(12) {
			list[i] = g.leaf(kind(g.n(int(kinds))))
		}
	}
	return list
}

func (g *generator) arithmetic(depth int) any {
	a, b := g.rule(number, depth-1), g.rule(number, depth-1)
	switch g.n(12) {
	case 11:
		a = g.spelling()
		b = a
	case 10:
		a, b = math.Copysign(0, -1), pick(&g.dice, []any{math.Copysign(0, -1), "-0", 0.0})
	}
	switch g.n(16) {
	case 0, 1, 2:
		return g.call("+", a, b)
	case 3, 4:
		return g.call("-", a, b)
	case 5:
		return g.call("*", a, b)
	case 6, 7:
		return g.call("/", a, b)
	case 8:
		return g.call("%", a, b)
	case 9:
		return g.unary("abs", a)
	case 10:
		return g.unary(pick(&g.dice, []string{"-", "+"}), g.rule(pick(&g.dice, []kind{number, text}), depth-1))
	case 11, 12:
		return g.call(pick(&g.dice, []string{"max", "min"}), []any{a, b, g.rule(number, depth-1)}[:1+g.n(3)]...)
	case 13:
		return g.reduction(number, depth-1)
	case 14: // the only integers of flagd's engine that are not floating point numbers
		return map[string]any{pick(&g.dice, []string{"-", "/"}): []any{}}
	default:
		return g.call(pick(&g.dice, []string{"+", "-", "*", "/", "%", "max", "min"}), g.rule(text, depth-1), a, b)
	}
}

func (g *generator) textual(depth int) any {
	switch g.n(10) {
	case 0, 1, 2:
		args := []any{g.rule(text, depth-1), g.rule(text, depth-1), g.rule(number, depth-1), g.rule(text, depth-1)}
		return g.call("cat", args[:1+g.n(4)]...)
	case 3:
		return g.unary("cat", g.rule(kind(g.n(int(kinds))), depth-1))
	case 4, 5, 6:
		return g.substr(depth - 1)
	case 7:
		return g.reduction(text, depth-1)
	case 8:
		return g.fractional(depth - 1)
	default:
		return g.choice(text, depth)
	}
}

// lengths are where substr changes its mind.
var lengths = []any{0.0, 1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 5.0, 100.0, -100.0, 1.9, -0.5, "1", "-1", "x", 9.3e18, -9.3e18, 1e300, nil, true}

func (g *generator) substr(depth int) any {
	from, length := pick(&g.dice, lengths[:14+g.n(len(lengths)-13)]), pick(&g.dice, lengths[:14+g.n(len(lengths)-13)])
	if g.rarely(4) {
		from = g.rule(number, depth)
	}
	args := []any{g.rule(text, depth), from, length}
	if g.rarely(10) {
		args[0] = g.rule(number, depth)
	}
	return g.call("substr", args[:2+g.n(2)]...)
}

func (g *generator) semver(depth int) any {
	op := pick(&g.dice, versionOperators)
	if g.rarely(16) {
		op = pick(&g.dice, oddOperators)
	}
	a, b := g.leaf(version), g.constant(version)
	if g.rarely(4) {
		b = g.rule(version, depth)
	}
	if g.rarely(6) {
		a, b = b, a
	}
	return g.call("sem_ver", a, op, b)
}
