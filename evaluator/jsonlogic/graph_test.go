package jsonlogic

import (
	"encoding/json"
	"testing"
)

// A rule gives the same result in the graph as in the tree, and after the ways
// through the graph were shortened as before.
func FuzzGraphAndTreeAgree(f *testing.F) {
	for _, rule := range []string{
		`{"if":[{"==":[{"var":"a"},"x"]},1,{"==":[{"var":"a"},"y"]},2,{"==":[{"var":"a"},"5"]},3,{"==":[{"var":"a"},"x"]},4]}`,
		`{"or":[{"and":[{"==":[{"var":"a"},"x"]},{"in":[{"var":"b"},["x","y"]]}]},{"and":[{"!=":[{"var":"a"},"x"]},{"<":[{"var":"b"},"y"]}]}]}`,
		`{"if":[{"in":[{"var":"a"},["p","q","r"]]},{"if":[{"in":[{"var":"a"},["q","z"]]},1,{"==":[{"var":"a"},"p"]},2]},{"===":[{"var":"a"},"x"]},3,{"!==":[{"var":"a"},5]},4]}`,
		`{"if":[{"sem_ver":[{"var":"a"},">=","1.2.3"]},"new",{"sem_ver":[{"var":"a"},"~","1.1"]},"old",{"!":{"var":"b"}},"none"]}`,
		`{"if":[{"fractional":[["x",1],["",1]]},{"fractional":[{"var":"a"},["p",1],[null,3]]},{"fractional":[{"cat":[{"var":"a"},{"var":"$flagd.flagKey"}]},[true,1],[5,2]]}]}`,
		`{"if":[{"!!":[{"starts_with":[{"var":"a"},"x"]}]},{"var":"b"},{"ends_with":[{"var":["b","xy"]},"y"]},{"var":["c.d",7]}]}`,
		`{"if":[{">=":[{"var":"a"},5]},1,{">":[{"var":"a"},"4"]},2,{"<=":[4,{"var":"a"}]},3,{"<":[{"var":"a"},true]},4,{"in":["x",{"var":"a"}]},5,{"==":[{"var":"a"},null]},6]}`,
		`{"if":[{"contains_any":[{"var":"a"},"x"]},1,{"contains_none":[{"var":"a"},["x"]]},2,{"in":[{"var":"a"},"xyz"]},3,{"in":[null,{"var":"a"}]},4]}`,
	} {
		for _, a := range []string{`"x"`, `"y"`, `5`, `"5"`, `true`, `null`, `["x"]`, `{}`, `"1.2.4-rc"`, `""`} {
			f.Add(rule, a, `"xy"`)
			f.Add(rule, a, `["y"]`)
		}
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		var rule, x, y any
		if json.Unmarshal([]byte(text), &rule) != nil || json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
			return
		}
		var s slots
		tree, err := (&parser{slots: &s}).parse(rule, 0)
		if err != nil {
			return
		}
		in := Input{Context: map[string]any{"a": x, "b": y, "targetingKey": "user"}, FlagKey: "flag", Now: 1_800_000_000}
		m := machine{in: in}
		want := m.eval(&tree, value{kind: wholeContext})
		p, err := Compile(rule)
		if err != nil {
			t.Fatal(err)
		}
		got, failed := p.Value(in)
		if (failed == nil) != (m.err == nil) && !infinite(want) {
			t.Fatalf("%s for a=%s, b=%s: the graph ends with %v, the tree with %v", text, a, b, failed, m.err)
		}
		if failed != nil {
			return
		}
		if x, y := inJSON(got), inJSON(want.any()); x != y {
			t.Errorf("%s for a=%s, b=%s: the graph gives %s, the tree %s", text, a, b, x, y)
		}
	})
}

// infinite says whether v is a number that no result can be.
func infinite(v value) bool { return v.kind == number && v.num-v.num != 0 }

func inJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "none"
	}
	return string(text)
}
