package main

// ofOperators are mistakes of single operators.
var ofOperators = []mutation{
	{
		name: "null-equals-zero", breaks: "null == 0 is false",
		old: "\tcase a.kind == null || b.kind == null:\n\t\treturn a.kind == b.kind\n",
		new: "",
	},
	{
		name: "same-without-kinds", breaks: `"1" === 1 is false`,
		old: "return a.kind == b.kind && equal(a, b)",
		new: "return equal(a, b)",
	},
	{
		name: "texts-ordered-as-numbers", breaks: `"10" < "9" as texts`,
		old: "if a.kind == text && b.kind == text {\n\t\treturn a.text() < b.text()\n\t}",
		new: "",
	},
	{
		name: "two-of-three", breaks: "1 < 5 < 3 is false",
		old: "return ordered(v[0], v[1]) && (len(v) != 3 || ordered(v[1], v[2]))",
		new: "return ordered(v[0], v[1])",
	},
	{
		name: "three-for-greater", breaks: "5 > 3 > 4 is false",
		old: "(len(v) != 3 || ordered(v[2], v[1]))",
		new: "(len(v) != 3 || ordered(v[1], v[2]))",
	},
	{
		name: "in-does-not-convert", breaks: `1 is in ["1"], and 0 in ["abc"]`,
		old: "f, ok = e.toGoNumber()\n\t\t\tfound = needle.kind == number && f == needle.num",
		new: "f, ok = e.toGoNumber()\n\t\t\tfound = needle.kind == number && f == needle.num && e.kind == number",
	},
	{
		name: "in-converts-texts", breaks: `"1" is not in [1]`,
		old: "found, ok = identical(needle, e)",
		new: "found, ok = equal(needle, e), true",
	},
	{
		name: "half-open-range", breaks: "5 is in [[1, 5]]",
		old: "return ok && high >= x, ok",
		new: "return ok && high > x, ok",
	},
	{
		name: "no-ranges", breaks: "an array in the haystack is a range",
		old: "found, ok = inRange(needle, e.list())",
		new: "found, ok = false, true",
	},
	{
		name: "null-in-text", breaks: `null in "abc" is an error`,
		old: "if needle.kind != text {\n\t\t\treturn m.fail(errOperand)\n\t\t}",
		new: "if needle.kind != text {\n\t\t\treturn no\n\t\t}",
	},
	{
		name: "contains-all-as-any", breaks: "contains_all wants them all",
		old: "return truth(m.contained(v, false))",
		new: "return truth(!m.contained(v, true))",
	},
	{
		name: "minus-zero-stays", breaks: "-0 + -0 is 0",
		old: "total += 0 // which makes 0 of -0",
		new: "total += 0 * total",
	},
	{
		name: "minus-without-sign", breaks: `{"-": [1]} is -1`,
		old: "return numeric(-1 * total)",
		new: "return numeric(total)",
	},
	{
		name: "floored-modulo", breaks: "-1 % 3 is -1",
		old: "return math.Mod(a, b)",
		new: "return a - b*math.Floor(a/b)",
	},
	{
		name: "nothing-is-a-number", breaks: `{"-": []} is not === 0`,
		old: "case opSubtract, opDivide:\n\t\treturn value{kind: integer}",
		new: "case opSubtract, opDivide:\n\t\treturn numeric(0)",
	},
	{
		name: "cat-keeps-space", breaks: "cat trims what it joins",
		old: "return textual(strings.TrimSpace(b.String()))",
		new: "return textual(b.String())",
	},
	{
		name: "cat-trims-one", breaks: "cat does not trim a single text",
		old: "if len(v) == 1 && v[0].kind == text {\n\t\treturn v[0]\n\t}",
		new: "if len(v) == 1 && v[0].kind == text {\n\t\treturn textual(strings.TrimSpace(v[0].text()))\n\t}",
	},
	{
		name: "substr-from-the-start", breaks: "a negative start counts from the end",
		old: "from += len(runes)",
		new: "from = 0",
	},
	{
		name: "substr-negative-length", breaks: "a negative length leaves out the end",
		old: "to = len(runes) + length",
		new: "to = from",
	},
	{
		name: "substr-counts-bytes", breaks: "substr counts code points",
		old: "return textual(string(runes[from:to]))",
		new: "return textual(s[from:to])",
	},
	{
		name: "empty-start", breaks: `every text starts with ""`,
		old: "return truth(strings.HasPrefix(v[0].text(), v[1].text()))",
		new: "return truth(v[1].text() != \"\" && strings.HasPrefix(v[0].text(), v[1].text()))",
	},
	{
		name: "default-of-three", breaks: "var has a default with exactly two operands",
		old: "if len(v) == 2 {\n\t\tfallback = v[1]\n\t}",
		new: "if len(v) >= 2 {\n\t\tfallback = v[1]\n\t}",
	},
	{
		name: "missing-null", breaks: `null is missing, "" is not`,
		old: "if v.kind == null {\n\t\t\tabsent",
		new: "if !v.truthy() {\n\t\t\tabsent",
	},
	{
		name: "missing-some-too-few", breaks: "missing_some wants at least so many",
		old: "if toInt(want) > found {",
		new: "if toInt(want) >= found {",
	},
	{
		name: "var-null-is-all", breaks: `{"var": null} is null for an object`,
		old: "if data.kind == boolean || data.kind == text || isNumber(data) {\n\t\t\treturn data\n\t\t}\n\t\treturn nothing",
		new: "return m.whole(data)",
	},
	{
		name: "merge-deep", breaks: "merge joins one level",
		old: "all = append(all, v[i].any())",
		new: "all = append(all, []any{v[i].any()})",
	},
	{
		name: "empty-steps-count", breaks: `".age" is "age"`,
		old: "return slices.DeleteFunc(strings.Split(name, \".\"), func(step string) bool { return step == \"\" })",
		new: "return strings.Split(name, \".\")",
	},
	{
		name: "index-from-the-end", breaks: "-1 is no index",
		old: "if i < 0 || i >= len(v) {\n\t\t\treturn nil, false\n\t\t}",
		new: "if i < 0 {\n\t\t\ti += len(v)\n\t\t}\n\t\tif i < 0 || i >= len(v) {\n\t\t\treturn nil, false\n\t\t}",
	},
	{
		name: "bucket-shift", dir: "evaluator/bucket", breaks: "the bucket is hash × total / 2³²",
		old: "* w.Total() >> 32",
		new: "* w.Total() >> 33",
	},
	{
		name: "bucket-border", dir: "evaluator/bucket", breaks: "a bucket below the sum is in, one at the sum is out",
		old: "if at < uint64(end) {",
		new: "if at <= uint64(end) {",
	},
	{
		name: "negative-weight", dir: "evaluator/bucket", breaks: "a negative weight counts as 0",
		old: "case weight != math.Trunc(weight): // as NaN is",
		new: "case weight != math.Trunc(weight), weight < 0:",
	},
	{
		name: "largest-sum", dir: "evaluator/bucket", breaks: "weights beyond 2³¹-1 give null",
		old: "if sum > MaxWeight {",
		new: "if sum > 2*MaxWeight {",
	},
	{
		name: "missing-weight", breaks: "a variant without a weight has the weight 1",
		old: "weight := numeric(1)",
		new: "weight := numeric(2)",
	},
	{
		name: "null-weight", breaks: "the weight null is 1",
		old: "return weights.Add(1) == nil",
		new: "return weights.Add(0) == nil",
	},
	{
		name: "key-after-subject", breaks: "the flag's key stands before the targeting key",
		old: "unit = append(unit, m.in.FlagKey...)\n\treturn append(unit, v.text()...), true",
		new: "unit = append(unit, v.text()...)\n\treturn append(unit, m.in.FlagKey...), true",
	},
}
