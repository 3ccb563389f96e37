package evaluator_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/open-feature/flagd/core/pkg/sync"

	"github.com/flagline/flagline/evaluator"
)

// stricter matches what we refuse although flagd loads it: flags that could
// only ever answer with PARSE_ERROR, and null in the place of a flag.
var stricter = regexp.MustCompile(
	`: (unknown operator "|there is no evaluator "|evaluator ".*": |is a number, want the name of an evaluator|is null, want an object)`)

func TestWhatFlagdLoadsCompilesAndAnswersTheSame(t *testing.T) {
	oracle := newFlagd(t, `{"flags":{}}`)
	random := rand.New(rand.NewPCG(7, 7))
	loaded, compiled := 0, 0
	for range 1500 {
		document := oddDocument(random)
		if err := oracle.SetState(sync.DataSync{FlagData: document, Source: "here"}); err != nil {
			continue
		}
		loaded++
		set, err := evaluator.Compile([]byte(document))
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !stricter.MatchString(line) {
					t.Errorf("Compile refuses what flagd loads: %s%s", line, document)
				}
			}
			continue
		}
		compiled++
		for _, ec := range []evaluator.Context{nil, {"x": "a"}, {"x": 1, "targetingKey": "u"}} {
			for key := range set.All() {
				r := set.Evaluate(key, ec)
				for kind, want := range askFlagd(t, oracle, key, ec) {
					if got := asFlagd(r, kind); !reflect.DeepEqual(got, want) {
						t.Fatalf("%s as %s for %v in %s\n got %+v\nwant %+v", key, kind, ec, document, got, want)
					}
				}
			}
		}
	}
	if loaded < 300 || compiled < 100 {
		t.Errorf("flagd loaded %d documents and %d compiled: too few to prove anything", loaded, compiled)
	}
}

// oddDocument returns a document of members that are right, odd or wrong.
func oddDocument(random *rand.Rand) string {
	flags := make([]string, 1+random.IntN(3))
	for i := range flags {
		flags[i] = fmt.Sprintf(`"f%d": %s`, random.IntN(3), oddFlag(random))
	}
	all := "{" + strings.Join(flags, ", ") + "}"
	if random.IntN(4) == 0 {
		for i := range flags {
			flags[i] = strings.Replace(oddFlag(random), "{", fmt.Sprintf(`{"key": "f%d", `, i), 1)
			flags[i] = strings.Replace(flags[i], ", }", "}", 1)
		}
		all = "[" + strings.Join(flags, ", ") + "]"
	}
	return object(random, map[string][]string{
		"flags":       {all, all, all, all, all, all, `null`},
		"metadata":    {`{}`, `null`, `{"flagSetId": "s", "v": 1}`, `{"a": null, "b": {"c": 1}}`, `{"owner": "set"}`},
		"$evaluators": {`{"e": {"==": [{"var": "x"}, "a"]}}`, `{"e": {"if": [true, "a"]}, "bad": {"nosuch": 1}}`, `null`},
	}, 9)
}

func oddFlag(random *rand.Rand) string {
	if random.IntN(30) == 0 {
		return `null`
	}
	return object(random, map[string][]string{
		"state":          {`"ENABLED"`, `"ENABLED"`, `"DISABLED"`, `"disabled"`, `""`, `null`},
		"variants":       {`{"a": 1, "b": 2}`, `{"a": true, "b": "x", "true": null}`, `{"a": {"$ref": "e"}}`, `{"a": [1]}`, `{"a": 1e300, "b": 12345678901234567890}`},
		"defaultVariant": {`"a"`, `"a"`, `""`, `null`},
		"metadata":       {`{}`, `null`, `{"owner": null, "x": [1]}`, `{"flagSetId": "own"}`, `{"$ref": "e"}`},
		"description":    {`5`, `"d"`},
		"targeting": {
			`null`, `{ }`, `"a"`, `true`, `1.50`, `[]`, `["a"]`, `{"var": "x"}`, `{"$ref": "e"}`, `{"$ref": "bad"}`, `{"$ref": 1}`,
			`{"if": [{"$ref": "e"}, "b"]}`, `{"if": [false, {"nosuch": 1}, "a"]}`, `{"a": 1, "b": {"nosuch": 1}}`, `{"if": {"nosuch": 1}}`,
			`{"map": [[{"nosuch": 1}], "a"]}`, `{"fractional": [["a"], ["b"]]}`, `{"cat": ["<", ">"]}`, `{"none": [[1], {"nosuch": 1}]}`,
		},
	}, 6)
}

// object returns a JSON object with most of members, each with one of its
// values, in any order and sometimes in another case. Of ten members, often
// are there.
func object(random *rand.Rand, members map[string][]string, often int) string {
	var parts []string
	for _, name := range []string{"state", "variants", "defaultVariant", "targeting", "metadata", "description", "$evaluators", "flags"} {
		values, ok := members[name]
		if !ok || random.IntN(10) >= often && name != "flags" && name != "variants" {
			continue
		}
		if random.IntN(15) == 0 {
			name = strings.ToUpper(name)
		}
		parts = append(parts, fmt.Sprintf("%q: %s", name, values[random.IntN(len(values))]))
	}
	random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, ", ") + "}"
}
