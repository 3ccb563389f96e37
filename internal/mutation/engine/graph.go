package main

// ofVersions are mistakes of sem_ver.
var ofVersions = []mutation{
	{
		name: "prerelease-above-release", breaks: "1.0.0-rc < 1.0.0",
		old: `return order(b == "")`,
		new: `return order(a == "")`,
	},
	{
		name: "numbers-as-names", breaks: "1.0.0-9 < 1.0.0-10",
		old: "case numeric && len(x) != len(y):\n\t\treturn order(len(x) < len(y))\n",
		new: "",
	},
	{
		name: "names-below-numbers", breaks: "1.0.0-1 < 1.0.0-alpha",
		old: "return order(numeric)",
		new: "return order(!numeric)",
	},
	{
		name: "longer-prerelease", breaks: "1.0.0-a < 1.0.0-a.1",
		old: "return order(!moreA)",
		new: "return order(moreA)",
	},
	{
		name: "caret-as-tilde", breaks: "^ compares the major version, ~ the minor too",
		old: `"^": sameMajor, "~": sameMinor`,
		new: `"^": sameMinor, "~": sameMajor`,
	},
	{
		name: "leading-zero", breaks: "01.2.3 is no version",
		old: "return s[i:], i > 0 && (i == 1 || s[0] != '0')",
		new: "return s[i:], i > 0",
	},
	{
		name: "small-v-only", breaks: "V1.2.3 is a version",
		old: `if strings.HasPrefix(s, "v") || strings.HasPrefix(s, "V") {`,
		new: `if strings.HasPrefix(s, "v") {`,
	},
	{
		name: "short-version-with-names", breaks: "1-alpha is no version",
		old: "if s[0] != '.' {\n\t\t\t\treturn false\n\t\t\t}",
		new: "if s[0] != '.' {\n\t\t\t\tbreak\n\t\t\t}",
	},
	{
		name: "version-of-another", breaks: "each variable is remembered as a version of its own",
		old: "memo: uint8(memo)",
		new: "memo: 0",
	},
}

// ofLoops are mistakes about what variables mean in loops.
var ofLoops = []mutation{
	{
		name: "no-hidden-variables", breaks: `".id" is always the element's`,
		old: `return ok && (s == "" || strings.HasPrefix(s, "."))`,
		new: `return ok && (s == "" || strings.HasPrefix(s, ".."))`,
	},
	{
		name: "all-looks-outside", breaks: "all does not replace variables by the context's",
		old: "if n.op != opAll && !n.loop.settled {",
		new: "if !n.loop.settled {",
	},
	{
		name: "some-looks-inside", breaks: "some replaces variables by the context's first",
		old: "if n.op != opAll && !n.loop.settled {",
		new: "if n.op == opNone && !n.loop.settled {",
	},
	{
		name: "filter-looks-inside", breaks: "filter replaces variables by the context's",
		old: "body = m.parse(m.replace(n.loop.args[1], data))",
		new: "body = n.loop.body",
	},
	{
		name: "none-of-nothing", breaks: "none of no elements is true",
		old: "return truth(n.op == opNone)",
		new: "return truth(n.op == opAll)",
	},
	{
		name: "reduce-over-null", breaks: "reduce leaves out elements that are null",
		old: "if element == nil {\n\t\t\tcontinue\n\t\t}\n",
		new: "",
	},
	{
		name: "reduce-of-nothing", breaks: "reduce of null is 0, whatever it begins with",
		old: "case subject.kind == null:\n\t\treturn numeric(0)",
		new: "case subject.kind == null:\n\t\treturn accumulator",
	},
	{
		name: "data-is-a-rule", breaks: "an object of the context is never executed",
		old: "return quoted{v}",
		new: "return v",
	},
}

// ofGraphs are mistakes of the optimiser.
var ofGraphs = []mutation{
	{
		name: "one-default-for-all", breaks: "a variable with another default is another variable",
		old: " && sameConstant(known.orElse(), n.val)",
		new: "",
	},
	{
		name: "default-of-its-kind", breaks: "a variable with another text as its default is another variable",
		old: " && a.text() == b.text()\n}",
		new: "\n}",
	},
	{
		name: "switch-without-numbers", breaks: `1 == "1" in a chain of comparisons`,
		old: "s.numbers = append(s.numbers, numberCase{t.num, t.yes})",
		new: "_ = t.num",
	},
	{
		name: "switch-last-wins", breaks: "of two equal comparisons the first counts",
		old: "if _, ok := s.texts[t.str]; !ok {\n\t\t\t\ts.texts[t.str] = t.yes\n\t\t\t}",
		new: "s.texts[t.str] = t.yes",
	},
	{
		name: "switch-over-variables", breaks: "a chain of comparisons is about one variable",
		old: "p.tests[at].kind == testEqualText && p.tests[at].slot == slot {",
		new: "p.tests[at].kind == testEqualText {",
	},
	{
		name: "number-equal-to-text", breaks: `what equals "1" need not be the text "1"`,
		old: "||\n\t\tcurrent.kind == testEqualText && !math.IsNaN(current.num) {",
		new: "{",
	},
	{
		name: "question-of-another", breaks: "a question about another variable is another question",
		old: "if a.kind != b.kind || a.slot != b.slot || a.against != b.against ||",
		new: "if a.kind != b.kind || a.against != b.against ||",
	},
	{
		name: "another-relation", breaks: "version < 2 is another question than version > 2",
		old: "return a.rel == b.rel && *x == *y",
		new: "return *x == *y",
	},
	{
		name: "known-on-one-way", breaks: "an answer is known only if all ways agree",
		old: "if known[q] != facts[q] {\n\t\t\tknown[q] = unknown\n\t\t}",
		new: "if known[q] != facts[q] && known[q] == unknown {\n\t\t\tknown[q] = facts[q]\n\t\t}",
	},
	{
		name: "learnt-from-no", breaks: "a no says nothing about other questions",
		old: "if a != isYes || current.kind",
		new: "if current.kind",
	},
	{
		name: "mirror-stays", breaks: "18 > age is age < 18",
		old: "opLess: opGreater, opLessOrEqual: opGreaterOrEqual, opGreater: opLess,",
		new: "opLess: opLess, opLessOrEqual: opGreaterOrEqual, opGreater: opLess,",
	},
	{
		name: "different-as-same", breaks: "!== is the contrary of ===",
		old: "if n.op == opUnequal || n.op == opDifferent {",
		new: "if n.op == opUnequal {",
	},
	{
		name: "if-of-one", breaks: "an if of one operand is that operand",
		old: "if len(clauses)%2 == 1 {",
		new: "if len(clauses)%2 == 1 && len(clauses) > 1 {",
	},
	{
		name: "not-of-a-list", breaks: "! looks at the first element of an array",
		old: "return l.test(test{kind: testFirst, slot: args[0].slot, yes: yes, no: no})",
		new: "return l.test(test{kind: testTrue, slot: args[0].slot, yes: yes, no: no})",
	},
	{
		name: "number-test-of-null", breaks: "null == 0 is false, in the graph too",
		old: "case testEqualNumber:\n\t\treturn v.kind != null && v.toNumber() == t.num",
		new: "case testEqualNumber:\n\t\treturn v.toNumber() == t.num",
	},
	{
		name: "null-at-most-zero", breaks: "null <= 0 is false, though null < 1 is true",
		old: "return x < t.num || x == t.num && v.kind != null",
		new: "return x <= t.num",
	},
	{
		name: "array-as-subject", breaks: "a first operand that is an array is a variant",
		old: "case v.kind == array:\n\t\treturn s.unusual",
		new: "case v.kind == array:\n\t\treturn none",
	},
	{
		name: "word-list-with-ranges", breaks: "a list of words with a range in it is no list of words",
		old: "l.plain = false",
		new: "l.plain = true",
	},
	{
		name: "classes-run-together", breaks: "each question has a class of its own",
		old: "first.data == t.data && first.str == t.str",
		new: "first.data == t.data",
	},
	{
		name: "classes-of-replacements", breaks: "what is not UTF-8 equals U+FFFD",
		old: "\treturn strings.Contains(t.str, replacement)\n",
		new: "\treturn false\n",
	},
	{
		name: "folded-without-errors", breaks: "a constant part of a rule that fails, fails when it is reached",
		old: "if m.err != nil || v.kind == integer {",
		new: "if v.kind == integer {",
	},
}
