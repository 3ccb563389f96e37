package lint_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// An author writes documents, all of which could be somebody's: mostly right,
// with the mistakes that people make, and some that nobody would.
type author struct {
	*rand.Rand

	careless int // mistakes in a thousand choices
}

func (a author) errs() bool { return a.IntN(1_000) < a.careless }

func pick[T any](a author, choices ...T) T { return choices[a.IntN(len(choices))] }

func (a author) document() string {
	var members []string
	add := func(name, value string) {
		if a.errs() {
			value = a.value(2)
		}
		members = append(members, a.name(name)+a.space()+":"+a.space()+value)
	}
	if !a.errs() {
		add("flags", a.flags())
	}
	if a.IntN(2) == 0 {
		add("$evaluators", a.object("staff", "answer", "loop", "other", func() string { return a.rule(3) }))
	}
	if a.IntN(3) == 0 {
		add("metadata", a.metadata("flagSetId", "version"))
	}
	if a.IntN(4) == 0 {
		add("$schema", a.text("https://example.com/schema"))
	}
	if a.IntN(4) == 0 {
		add(pick(a, "comment", "Flags", "x", "META"), a.value(3))
	}
	a.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return a.space() + "{" + strings.Join(members, a.space()+",") + "}" + a.space()
}

func (a author) flags() string {
	n := a.IntN(5)
	list := make([]string, n)
	inArray := a.IntN(4) == 0
	for i := range list {
		key := fmt.Sprintf("flag-%d", i)
		if a.errs() {
			key = pick(a, "", "flag-0", "a/b~", "é")
		}
		switch {
		case a.errs():
			list[i] = a.value(2)
		case inArray:
			list[i] = a.flag(a.name("key") + ":" + a.text(key))
		default:
			list[i] = a.flag()
		}
		if !inArray {
			list[i] = a.name(key) + ":" + list[i]
		}
	}
	if inArray {
		return "[" + strings.Join(list, ",") + "]"
	}
	return "{" + strings.Join(list, ",") + "}"
}

func (a author) flag(members ...string) string {
	add := func(in int, name string, value func() string) {
		if a.IntN(in) > 0 && in > 1 || a.errs() {
			return
		}
		text := value()
		if a.errs() {
			text = a.value(2)
		}
		if a.errs() {
			name = pick(a, "State", "Targeting", "x", "variants", "DEFAULTVARIANT", "type")
		}
		members = append(members, a.name(name)+":"+a.space()+text)
	}
	add(1, "state", func() string { return a.text(pick(a, "ENABLED", "DISABLED")) })
	add(1, "variants", a.variants)
	add(2, "defaultVariant", func() string { return pick(a, `"on"`, `"off"`, `null`, `""`, a.text("on")) })
	add(2, "targeting", func() string { return a.rule(4) })
	add(5, "metadata", func() string { return a.metadata("team", "tier") })
	for _, name := range []string{"description", "owner", "type"} {
		add(5, name, func() string { return a.word() })
	}
	add(5, "tags", func() string { return a.list(func() string { return a.word() }) })
	add(5, "expires", a.moment)
	add(8, "x-note", func() string { return a.value(3) })
	a.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

func (a author) moment() string {
	text := pick(a, "2027-03-31", "2027-03-31T12:00:00Z", "2027-03-31T12:00:00.5+01:00", "2027-03-31T12:00:00.123-10:30")
	if a.errs() {
		at := a.IntN(len(text))
		text = text[:at] + pick(a, "", ".", "Z", "9", "T", "é") + text[at+a.IntN(2):]
	}
	return a.text(text)
}

func (a author) variants() string {
	value := pick(a,
		func() string { return pick(a, "true", "false") },
		a.number,
		func() string { return a.word() },
		func() string { return "{" + a.name("x") + ":" + a.value(2) + "}" })
	members := []string{a.name("on") + ":" + value(), a.name("off") + ":" + value()}
	if a.errs() {
		members = append(members, a.name(pick(a, "on", "a&b", "é", "third", "\u2028"))+":"+a.value(2))
	}
	if a.IntN(20) == 0 {
		for i := range 30 {
			members = append(members, fmt.Sprintf(`"v%d":`, i)+value())
		}
	}
	return "{" + strings.Join(members[a.IntN(30)/29*2:], ",") + "}"
}

func (a author) metadata(names ...string) string {
	return a.object(names[0], names[1], "x", "y", func() string {
		if a.errs() {
			return a.value(2)
		}
		return pick(a, a.word(), a.word(), a.number(), "true")
	})
}

func (a author) object(n1, n2, n3, n4 string, value func() string) string {
	var members []string
	for _, name := range []string{n1, n2, n3, n4} {
		if a.IntN(2) == 0 {
			members = append(members, a.name(name)+":"+value())
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (a author) list(element func() string) string {
	list := make([]string, a.IntN(4))
	for i := range list {
		list[i] = element()
	}
	return "[" + strings.Join(list, a.space()+",") + "]"
}

// rule is one that mostly answers with "on" or "off".
func (a author) rule(depth int) string {
	if a.errs() {
		return a.value(depth)
	}
	if depth == 0 {
		return pick(a, `"on"`, `"off"`, `null`, a.text("on"))
	}
	answer := func() string { return a.rule(depth - 1) }
	switch a.IntN(8) {
	case 0, 1, 2:
		return a.call(pick(a, "if", "if", "?:"), a.condition(depth-1), answer(), answer())
	case 3, 4:
		return a.call("fractional", a.shares(depth)...)
	case 5:
		return a.ref()
	case 6:
		return a.condition(depth)
	default:
		return pick(a, `"on"`, `"off"`, `null`)
	}
}

func (a author) ref() string {
	return "{" + a.name("$ref") + ":" + a.text(pick(a, "staff", "answer", "other", "loop", "nobody")) + "}"
}

func (a author) shares(depth int) []string {
	list := []string{pick(a, `"seed"`, `null`, `{"var":"email"}`, `["on",1]`)}
	for range 1 + a.IntN(3) {
		switch {
		case a.errs():
			list = append(list, a.value(2))
		case a.IntN(10) == 0:
			list = append(list, pick(a, `["on"]`, `["on",null]`, `["on",{"var":"w"}]`, `["off",1,{"var":"x"}]`, `{"var":"share"}`))
		default:
			weight := pick(a, "0", "1", "50", "99")
			if a.errs() {
				weight = pick(a, "-1", "1.5", "1.0", "1e1", "2147483647", "2147483648", `"1"`, "99999999999", "-0")
			}
			list = append(list, "["+a.rule(depth-1)+","+weight+"]")
		}
	}
	return list
}

func (a author) condition(depth int) string {
	if depth <= 0 || a.IntN(6) == 0 {
		return pick(a, "true", `{"var":"email"}`, a.ref(), a.word(), a.number())
	}
	deeper := func() string { return a.condition(depth - 1) }
	switch a.IntN(6) {
	case 0:
		return a.call(pick(a, "starts_with", "ends_with"), deeper(), a.word())
	case 1:
		operator := pick(a, `"="`, `"!="`, `"<"`, `"~"`, `"^"`, `">="`)
		if a.errs() {
			operator = pick(a, `"=>"`, `"\u003c"`, "1", `{"var":"op"}`, `{}`)
		}
		return a.call("sem_ver", deeper(), operator, `"1.0.0"`)
	case 2:
		return a.call(pick(a, "map", "filter", "all", "some"), pick(a, `{"var":"list"}`, a.value(3)), deeper())
	case 3:
		return a.call("in", deeper(), a.list(func() string { return a.word() }))
	default:
		return a.call(pick(a, "==", "!=", "and", "or", "!", "<", "cat", "+"), deeper(), deeper())
	}
}

func (a author) call(operator string, args ...string) string {
	if a.errs() {
		operator = pick(a, "plus", "iff", "$ref", "IF", "", "fractional", "sem_ver", "if")
	}
	if a.errs() {
		args = args[:a.IntN(len(args))]
	}
	list := "[" + strings.Join(args, ",") + "]"
	if len(args) == 1 && a.IntN(2) == 0 || a.errs() && len(args) > 0 {
		list = args[0]
	}
	return "{" + a.name(operator) + a.space() + ":" + list + "}"
}

// value is anything, and mostly something that a rule could hold.
func (a author) value(depth int) string {
	if depth <= 0 {
		return pick(a, "true", "null", a.number(), a.word())
	}
	switch a.IntN(8) {
	case 0:
		return a.list(func() string { return a.value(depth - 1) })
	case 1:
		return a.object("x", "$ref", "if", "y", func() string { return a.value(depth - 1) })
	case 2:
		return a.call(pick(a, "plus", "var", "fractional"), a.value(depth-1))
	case 3:
		return pick(a, "{}", "[]", "false", `""`)
	default:
		return a.value(0)
	}
}

func (a author) number() string {
	if a.errs() {
		return pick(a, "1e999", "-1e-999", strings.Repeat("9", 400), "0.1E+5", "01", "1.", "-", "+1", ".5", "1e", "NaN", "0x1")
	}
	return pick(a, "0", "-1", "7.25", "1e3", "-0.0", "2147483648", "100")
}

func (a author) word() string {
	return a.text(pick(a, "on", "a", "@example.com", "say \"hi\"", "a&b", "größe", "\u2028", "\U0001F600", "tab\t", "", "red"))
}

// name is a text that is hardly ever spelt with escapes.
func (a author) name(s string) string {
	if a.errs() {
		return a.text(s)
	}
	return quote(s)
}

func (a author) text(s string) string {
	if s == "" || !a.errs() {
		return quote(s)
	}
	if a.errs() {
		return pick(a, `"\ud800"`, `"\x"`, `"\u12g4"`, "\"\x01\"", "\"\xff\"", `"\u0000"`, `"\/"`)
	}
	first := []rune(s)[0]
	return fmt.Sprintf(`"\u%04x`, min(first, 0xFFFF)) + quote(s[len(string(first)):])[1:]
}

func quote(s string) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func (a author) space() string { return pick(a, "", "", "", " ", "\n\t", "\r\n") }

// mangled is text with a few bytes that came out wrong.
func (a author) mangled(text string) string {
	for range 1 + a.IntN(3) {
		from := a.IntN(len(text) + 1)
		to := min(from+a.IntN(4), len(text))
		text = text[:from] + pick(a, "", text[from:to]+text[from:to], `"`, ",", "{", "}", "]", "\\", "0", "\xc3", ":", " ", "e9") + text[to:]
	}
	return text
}
