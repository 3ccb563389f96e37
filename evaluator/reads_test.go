package evaluator_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/evaluator/jsonlogic"
	"github.com/flagline/flagline/evaluator/jsonlogic/differ"
)

// only returns what of ec the members name.
func only(ec map[string]any, members []string) map[string]any {
	part := make(map[string]any, len(members))
	for _, name := range members {
		if v, ok := ec[name]; ok {
			part[name] = v
		}
	}
	return part
}

func TestWhatARuleDoesNotReadMakesNoDifference(t *testing.T) {
	known, narrower := 0, 0
	for n := range uint64(20_000) {
		c := differ.Make(11, n)
		program, err := jsonlogic.Compile(c.Rule)
		if err != nil {
			continue
		}
		members, ok := program.Reads()
		if !ok {
			continue
		}
		known++
		for _, ec := range c.Contexts {
			in := jsonlogic.Input{Context: ec.Given, FlagKey: c.FlagKey, Now: c.Now}
			want := differ.AnswerOf(program.Value(in))
			in.Context = only(ec.Given, members)
			if len(in.Context) < len(ec.Given) {
				narrower++
			}
			if got := differ.AnswerOf(program.Value(in)); !reflect.DeepEqual(got, want) {
				t.Fatalf("case %d: %s\nreads %q of %v\nand gives %+v, with these alone %+v",
					n, differ.Text(c.Rule), members, ec.Given, want, got)
			}
		}
	}
	if known < 5_000 || narrower < 5_000 {
		t.Errorf("%d rules said what they read, and %d contexts held more", known, narrower)
	}
}

func TestFlagsSayWhatTheyRead(t *testing.T) {
	for rule, want := range map[string][]string{
		`null`: nil,
		`{}`:   nil,
		`{"if": [{"ends_with": [{"var": "email"}, "@x.com"]}, "on", "off"]}`:                             {"email"},
		`{"if": [{"and": [{"==": [{"var": "b.c"}, 1]}, {"in": ["x", {"var": ["a", "d"]}]}]}, "on"]}`:     {"a", "b"},
		`{"fractional": [["on", 50], ["off", 50]]}`:                                                      {"targetingKey"},
		`{"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "user"}]}, ["on", 1], ["off", 1]]}`: {"targetingKey", "user"},
		`{"if": [{"missing": ["a"]}, "on", "off"]}`:                                                      {"any"},
		`{"if": [{"var": {"var": "a"}}, "on", "off"]}`:                                                   {"any"},
		`{"if": [{"some": [{"var": "l"}, {"==": [{"var": ""}, 1]}]}, "on", "off"]}`:                      {"any"},
		`{"if": [{"==": [{"var": ""}, 1]}, "on", "off"]}`:                                                {"any"},
	} {
		flag, err := evaluator.CompileFlag("f", []byte(
			`{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": `+rule+`}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := flag.Reads()
		if !ok {
			got = []string{"any"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", rule, got, want)
		}
	}
}
