package main

// The text of a mutation is found exactly once in the folder of the rule
// language, or in the one that it names.

// ofValues are mistakes about what values are, and how they are converted.
var ofValues = []mutation{
	{
		name: "null-is-no-number", breaks: "null < 18: null counts as 0 in an order",
		old: "return math.NaN()\n\tdefault:\n\t\treturn 0\n\t}",
		new: "return math.NaN()\n\tdefault:\n\t\treturn math.NaN()\n\t}",
	},
	{
		name: "empty-object-is-true", breaks: "{} is false",
		old: "return len(v.object()) > 0",
		new: "return true",
	},
	{
		name: "empty-array-is-true", breaks: "[] is false",
		old: "return len(v.list()) > 0\n",
		new: "return true\n",
	},
	{
		name: "text-zero-is-false", breaks: `"0" is true`,
		old: `return v.text() != ""`,
		new: `return v.text() != "" && v.text() != "0"`,
	},
	{
		name: "space-is-no-number", breaks: `" " == 0`,
		old: `if strings.TrimSpace(s) == "" {`,
		new: `if s == "" {`,
	},
	{
		name: "spaces-around-numbers", breaks: `" 1" is no number`,
		old: "func textToNumber(s string) float64 {\n",
		new: "func textToNumber(s string) float64 {\n\ts = strings.TrimSpace(s)\n",
	},
	{
		name: "too-large-is-infinite", breaks: `"1e999" is no number in a comparison`,
		old: "return f, err == nil",
		new: "return f, err == nil || math.IsInf(f, 0)",
	},
	{
		name: "fraction-without-whole", breaks: `".5" is a number`,
		old: "case '0' <= c && c <= '9', c == '.':",
		new: "case '0' <= c && c <= '9':",
	},
	{
		name: "no-infinity", breaks: `"inf" is a number`,
		old: `return strings.EqualFold(s, "inf") || strings.EqualFold(s, "infinity")`,
		new: "return false",
	},
	{
		name: "booleans-add-up", breaks: "true + 1 is an error",
		old: "func (v value) toGoNumber() (float64, bool) {\n\tswitch v.kind {\n\tcase number, integer:",
		new: "func (v value) toGoNumber() (float64, bool) {\n\tswitch v.kind {\n\tcase number, integer, boolean:",
	},
	{
		name: "exponents-in-text", breaks: "cat and var write 1e21 without an exponent",
		old: "return strconv.FormatFloat(v.num, 'f', -1, 64), true",
		new: "return strconv.FormatFloat(v.num, 'g', -1, 64), true",
	},
	{
		name: "null-has-no-text", breaks: "cat leaves null out",
		old: "case null:\n\t\treturn \"\", true",
		new: "case null:\n\t\treturn \"null\", true",
	},
	{
		name: "float32-as-it-is", breaks: "float32(0.1) is 0.1",
		old: "strconv.FormatFloat(float64(v), 'g', -1, 32)",
		new: "strconv.FormatFloat(float64(v), 'g', -1, 64)",
	},
	{
		name: "int-as-text", breaks: "an int of the context is a number",
		old: "case int:\n\t\treturn numeric(float64(v))",
		new: "case int:\n\t\treturn textual(strings.Repeat(\"1\", v&3))",
	},
	{
		name: "int64-cut", breaks: "an int64 of the context is a number",
		old: "case int64:\n\t\treturn numeric(float64(v))",
		new: "case int64:\n\t\treturn numeric(float64(int32(v)))",
	},
	{
		name: "uint64-cut", breaks: "a uint64 of the context is a number",
		old: "case uint64:\n\t\treturn float64(v), nil",
		new: "case uint64:\n\t\treturn float64(uint16(v)), nil",
	},
	{
		name: "bytes-that-are-no-text", breaks: "what is not UTF-8 becomes U+FFFD",
		old: "return sanitized(of), true, nil",
		new: "return v, false, nil",
	},
	{
		name: "nil-list-is-empty", breaks: "a nil slice of the context is null",
		old: "if texts == nil {\n\t\treturn nil\n\t}",
		new: "if texts == nil {\n\t\treturn []any{}\n\t}",
	},
	{
		name: "escaped-names", dir: "evaluator", breaks: "flagd never finds a variant with & in its name",
		old: "c == '<', c == '>', c == '&':",
		new: "c == '<', c == '>':",
	},
	{
		name: "quoted-names", dir: "evaluator", breaks: "flagd takes the quotation marks out of a result",
		old: "strings.ReplaceAll(string(bytes.TrimSpace(text)), `\"`, \"\")",
		new: "strings.Trim(string(bytes.TrimSpace(text)), `\"`)",
	},
	{
		name: "no-value-no-error", dir: "evaluator", breaks: "a variant whose value is null is TYPE_MISMATCH",
		old: "if v.value == nil {",
		new: "if v.value == nil && v.name == \"\" {",
	},
}
