package syntax_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

func TestCallsAreWhatEvaluationMayVisit(t *testing.T) {
	for rule, want := range map[string]string{
		`"on"`:                                 ``,
		`{}`:                                   ``,
		`{"a":1,"b":{"c":1}}`:                  ``,
		`{"a":{"b":{"c":1}}}`:                  `/r/a /r/a/b /r/a/b/c`,
		`[{"a":1},[{"b":1}]]`:                  `/r/0/a /r/1/0/b`,
		`{"if":[{"a":1},{"b":1},[{"c":1}]]}`:   `/r/if /r/if/0/a /r/if/1/b /r/if/2/0/c`,
		`{"if":{"a":1}}`:                       `/r/if`,
		`{"!":{"a":1}}`:                        `/r/! /r/!/a`,
		`{"var":["x",{"a":1}]}`:                `/r/var /r/var/1/a`,
		`{"$ref":{"a":1}}`:                     `/r/$ref`,
		`{"map":[[{"data":1}],{"a":1}]}`:       `/r/map /r/map/1/a`,
		`{"map":[{"var":"x"},{"a":1}]}`:        `/r/map /r/map/0/var /r/map/1/a`,
		`{"map":{"data":1}}`:                   `/r/map`,
		`{"all":[{"a":1},{"b":1},{"c":1}]}`:    `/r/all /r/all/0/a /r/all/1/b`,
		`{"reduce":[{"a":1},{"b":1},{"c":1}]}`: `/r/reduce /r/reduce/0/a /r/reduce/1/b /r/reduce/2/c`,
		`{"reduce":[[],{"b":1},[{"data":1}]]}`: `/r/reduce /r/reduce/1/b`,
		`{"a/b~":{"c":1}}`:                     `/r/a~1b~0 /r/a~1b~0/c`,
	} {
		var got []string
		for call := range syntax.Calls("/r", parse(t, rule)) {
			got = append(got, call.Pointer)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("Calls(%s) = %v, want %s", rule, got, want)
		}
	}
}

func TestCallsEndWhenTheReaderDoes(t *testing.T) {
	for range syntax.Calls("", parse(t, `{"a":[{"b":1},{"map":[{"c":1},{"d":1}]}]}`)) {
		break
	}
	n := 0
	for range syntax.Calls("", parse(t, `{"map":[{"a":1},{"b":1}]}`)) {
		if n++; n == 2 {
			break
		}
	}
}

func TestRefsAreFoundInDataToo(t *testing.T) {
	got := syntax.Refs(parse(t, `{"x":{"$ref":"b"},"y":[{"$ref":"a"},{"$ref":"b"},{"$ref":1},{"$ref":"c","z":1}]}`))
	if want := []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("Refs = %v, want %v", got, want)
	}
}

func TestCycleNamesTheWayRound(t *testing.T) {
	refs := map[string][]string{
		"a": {"b", "c"}, "b": {"d"}, "c": {"a"}, "d": nil, "e": {"c"}, "self": {"self"},
	}
	for start, want := range map[string]string{
		"a": "a c a", "c": "c a c", "e": "e c a c", "self": "self self", "b": "", "nosuch": "",
	} {
		got := syntax.Cycle(start, func(name string) []string { return refs[name] })
		if strings.Join(got, " ") != want {
			t.Errorf("Cycle(%s) = %v, want %q", start, got, want)
		}
	}
}

func TestPositionCountsLinesAndColumns(t *testing.T) {
	data := []byte("{\n  \"a\": x\n}")
	for offset, want := range map[int64][2]int{0: {1, 1}, 1: {1, 1}, 3: {2, 1}, 10: {2, 8}, 99: {3, 2}} {
		line, column := syntax.Position(data, offset)
		if [2]int{line, column} != want {
			t.Errorf("Position(%d) = %d, %d; want %v", offset, line, column, want)
		}
	}
}

func TestNotJSONSaysWhereAndWhy(t *testing.T) {
	for text, want := range map[string]string{
		"{\n]":     "line 2, column 1: invalid character ']' looking for beginning of object key string",
		"[1e999]":  "line 1, column 6: number 1e999 is out of range",
		"{} extra": "line 1, column 4: invalid character 'e' after top-level value",
		"":         "line 1, column 1: unexpected end of JSON input",
	} {
		var v any
		err := json.Unmarshal([]byte(text), &v)
		if got := syntax.NotJSON([]byte(text), err); got != want {
			t.Errorf("NotJSON(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestThereAreNamesWhatThereIs(t *testing.T) {
	for want, things := range map[string][]string{
		`there are none`:                 nil,
		`there is "a"`:                   {"a"},
		`there are "a" and "b"`:          {"b", "a"},
		`there are "a", "b\"" and "c d"`: {"c d", `b"`, "a"},
	} {
		set := make(map[string]int)
		for _, name := range things {
			set[name] = 1
		}
		if got := syntax.ThereAre(set); got != want {
			t.Errorf("ThereAre(%q) = %s, want %s", things, got, want)
		}
	}
}

func parse(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
