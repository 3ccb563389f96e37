package differ

import (
	"math"
	"strings"
)

// A kind is what a value, or the outcome of a rule, is meant to be. What is
// meant does not always come true: see Generator.rule.
type kind int

const (
	text kind = iota
	number
	boolean
	version
	texts
	numbers
	objects
	mixed
	object
	null
	kinds // how many there are
)

// The words of the generator: small enough that they meet, and each with a
// reason to behave in a way of its own.
var (
	plainTexts = []any{
		"a", "b", "on", "off", "free", "pro", "ada", "ada@example.com", "bob@faas.com", "user-7", "CH", "DE", "A", "ab", "abc",
	}
	oddTexts = []any{
		"", " ", "0", "1", " 1", "1 ", "-1", "+1", "01", "1.0", "1.5", ".5", "1.", "18", "1e2", "1e999", "-1e999", "1e-999", "0x10", "0x1p-2",
		"0x_1p-2", "1_0", "inf", "-Inf", "nan", "Infinity", "1f", "true", "false", "null", " a ", " a", "b ", "\ta\n", "\u00a0", "\u00a01",
		"\u2003x\u0085", "é", "e\u0301", "日本語", "😀", "a\u2028b", "\u2029", `"`, `a"b`, `\`, `\u0041`, "<>&", "a&b", "\x00", "\ufeff1", "\ufffd",
		"a.b", "0.1", "user.name", "age", "targetingKey", "１", "ẞ", "[a]", "{}", "[]", "a@b@example.com", "$flagd",
	}
	plainNumbers = []any{1.0, 0.0, 2.0, 3.0, 17.0, 18.0, 19.0, 100.0, 5.0, -1.0, 0.5, 1.5}
	oddNumbers   = []any{
		math.Copysign(0, -1), 0.1, 1e21, 1e20, 1e-7, 1e-6, 9007199254740993.0, 1e308, -1e308, 5e-324, 2147483647.0, 2147483648.0,
		4294967296.0, 9.3e18, -9.3e18, 9223372036854774784.0, 1e19, 1.7976931348623157e308, 0.30000000000000004, -2.0, -0.5, 1e6, 33.3,
	}
	versions = []any{
		"1.2.3", "1.2.4", "1.3.0", "2.0.0", "1.2", "1", "v1.2.3", "V1.2.3", "0.0.0", "1.10.0", "1.9.0", "1.0", "v2",
		"1.2.3-alpha", "1.2.3-alpha.1", "1.2.3-alpha.beta", "1.2.3-1", "1.2.3-10", "1.2.3-9", "1.2.3-rc.1+b", "1.2.3+build", "2.0.0-0", "1.2.3-ALPHA",
		"1.2.3-2147483648", "1.2.3-a-b", "1.2.3--", "10.0.0", "0.1.0", "v0",
		"01.2.3", "1.02.3", "1.2.3-01", "1.2.3.4", " 1.2.3", "1.2.3 ", "vv1", "Vv1.2.3", "vV1", "1-alpha", "1.2-alpha", "1+b", "v", "V", "",
		"99999999999999999999.0.0", "99999999999999999998.0.0", "1.2.3-", "1.2.3+", "1.2.3-a..b", "1.2.3-é", "1.2.x", "-1.0.0", "1.2.3+a+b", "a",
		1.0, 1.2, 2.0, 1e6, 1e21, -1.0, 0.0, 1.5, true,
	}
	versionOperators = []any{"=", "!=", "<", "<=", ">", ">=", "^", "~"}
	oddOperators     = []any{"==", "", "~>", "<>", " =", "≥", nil, 1.0}
	oddWeights       = []any{
		0.0, -5.0, 0.5, 33.3, 2147483647.0, 2147483646.0, 2147483648.0, 1e10, 1e19, -1e19, -9223372036854775808.0, math.Copysign(0, -1), nil, "50", true, "",
	}
	constants = []any{nil, true, false}

	// Some that are equal to one another, or are not quite.
	spellings = []any{
		1.0, "1", "1.0", true, 0.0, "0", "", false, 18.0, "18", "18.0", nil, " 1", "-0", math.Copysign(0, -1), " ", "1e0", 2.0, "2", "0x1p0", "on", "a", "\ufffd", "a\ufffd",
	}

	numerals = []any{"1", "1.0", "0", "", "18", "18.0", "2", "-0", "1e0", "0x1p0", "on", "a", "2.0", "5", "100", "17", "3", "19", "-1", ".5", "1e999"}

	// Identifiers of pre-releases.
	identifiers = []string{"0", "1", "2", "9", "10", "11", "a", "b", "alpha", "beta", "rc", "1a", "-", "A"}
)

// A path leads from the context to a value.
type path struct {
	text string
	root int // index of the attribute it begins with, -1 if there is none
}

// attributes are what a context may hold.
var attributes = [...]struct {
	name string
	kind kind
}{
	{"plan", text},
	{"age", number},
	{"beta", boolean},
	{"version", version},
	{"tags", texts},
	{"nums", numbers},
	{"items", objects},
	{"user", object},
	{"email", text},
	{"s", text},
	{"n", number},
	{"targetingKey", text},
	{"mixed", mixed},
	{"nil", null},
	{"o", object},
	{"é", text},
	{"min", version},
	{"id", number},
	{"1", text},
}

const targetingKey = 11 // in attributes

// paths are the variables that rules read, by what should be found there.
var paths = [kinds][]path{
	text: {
		{"plan", 0},
		{"email", 8},
		{"s", 9},
		{"targetingKey", targetingKey},
		{"user.name", 7},
		{"user.address.city", 7},
		{"tags.0", 4},
		{"tags.1", 4},
		{"items.0.name", 6},
		{"é", 15},
		{"$flagd.flagKey", -1},
		{".plan", 0},
		{"user..name", 7},
		{"plan.", 0},
		{"tags.x", 4},
		{"tags.0x1p0", 4},
		{"items.1.tags.0", 6},
		{"mixed.1", 12},
		{"1", 18},
		{"tags.1e0", 4},
		{"tags. 1", 4},
	},
	number: {
		{"age", 1},
		{"n", 10},
		{"user.age", 7},
		{"nums.0", 5},
		{"nums.1", 5},
		{"items.0.qty", 6},
		{"items.1.id", 6},
		{"id", 17},
		{"mixed.0", 12},
		{"nums.1.5", 5},
		{"nums.-1", 5},
		{"nums.99", 5},
		{"nums.nan", 5},
		{"nums.1e999", 5},
		{"nums.1_0", 5},
		{".age", 1},
		{"$flagd.timestamp", -1},
		{"targetingKey.0", targetingKey},
	},
	boolean: {{"beta", 2}, {"items.0.ok", 6}, {"mixed.2", 12}, {"beta.", 2}, {"user.ok", 7}},
	version: {{"version", 3}, {"min", 16}, {"user.version", 7}},
	texts:   {{"tags", 4}, {"user.roles", 7}, {"items.0.tags", 6}, {".tags", 4}},
	numbers: {{"nums", 5}, {"user.scores", 7}},
	objects: {{"items", 6}},
	mixed:   {{"mixed", 12}, {"o.list", 14}, {"mixed.3", 12}},
	object:  {{"user", 7}, {"o", 14}, {"items.0", 6}, {"user.address", 7}, {"$flagd", -1}},
	null: {
		{"nosuch", -1},
		{"nil", 13},
		{"user.nosuch", 7},
		{"plan.length", 0},
		{"nosuch.deeper", -1},
		{"age.0", 1},
		{"items.9.id", 6},
		{"user.nil", 7},
		{"a.b", -1},
		{"nil.x", 13},
		{" plan", -1},
		{"Plan", -1},
		{"tags.-0.1.x", 4},
		{"", -1},
		{".", -1},
		{"..", -1},
		{"$flagd.nosuch", -1},
		{"$flagd.flagKey.x", -1},
		{"$flagd.", -1},
	},
}

// dangerous are the operators: names that make an object with one member a call.
var dangerous = setOf(`and or ! !! if ?: == != === !== < <= > >= + - * / % max min abs cat substr in var set missing
	missing_some merge map filter reduce all none some contains_all contains_any contains_none fractional sem_ver
	starts_with ends_with plus`)

func setOf(names string) map[string]bool {
	set := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		set[name] = true
	}
	return set
}
