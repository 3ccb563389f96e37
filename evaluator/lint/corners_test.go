package lint_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/evaluator/lint"
)

// What a generator hits too seldom. Each is a flag whose VALUE is one of the
// values, and stands in a document with evaluators.
func TestCornersLookTheSameBothWays(t *testing.T) {
	const (
		document = `{"$evaluators": {"amp": {"if": [1, "a&b"]}, "on": "on", "via": {"if": [1, {"$ref": "amp"}, {"$ref": "off"}]}, "off": "off", "me": {"!": {"$ref": "me"}}}, "flags": {"f": FLAG}}`
		array    = `{"flags": [FLAG]}`
		rest     = `"state": "ENABLED", "variants": {"on": 1, "a&b": 1, "a` + "\u2028" + `": 1}`
	)
	for _, c := range []struct{ document, flag, values string }{
		{array, `{"key": VALUE, ` + rest + `}`, `"a" "" 5 null {} ["a"] "\u0061"`},
		{document, `{"key": VALUE, ` + rest + `}`, `"a" "" 5 null`},
		{document, `{"state": VALUE, "variants": {"on": 1}}`, `"ENABLED" "DISABLED" "enabled" "" "ENABLE" "\u0045NABLED" null 1 ["ENABLED"]`},
		{document, `{"state": "ENABLED", "variants": VALUE}`, `{} [] null "a" {"a":null} {"a":[]} {"a":{}} {"a":{},"b":[]} {"a":true,"b":false} {"a":1,"b":"1"} {"\u0061":1}`},
		{document, `{"defaultVariant": VALUE, ` + rest + `}`, `"on" "" null "of" "\u006fn" "a&b" 1 ["on"] {}`},
		{document, `{"metadata": VALUE, ` + rest + `}`, `{} null [] ["a"] {"a":1} {"a":null} {"a":{}} {"a":[]} {"a":true,"b":"x"}`},
		{document, `{"tags": VALUE, ` + rest + `}`, `[] {} {"a":"b"} null "a" ["a"] [1] ["a",null]`},
		{document, `{"owner": VALUE, ` + rest + `}`, `"" "a" null 1 [] "\n"`},
		{document, `{"targeting": VALUE, ` + rest + `}`, `"on" "off" "a&b" "a<b" "` + "a\u2028" + `" "\u006fn" null 1 [] ["off"] {} {"a":1,"b":"off"} {"$ref":"on"} {"$ref":"amp"} {"$ref":"via"} {"$ref":"me"} {"$ref":"no"} {"$ref":1} {"\u0024ref":"on"} {"$ref":"\u006fn"} {"x":1,"y":{"$ref":"me"}} {"i\u0066":["off"]} {"iff":[]} {"if":[]} {"if":["off"]} {"if":["off","on"]} {"if":["off","on","off"]} {"if":["off","on","off","on"]} {"if":"off"} {"?:":[1,"off"]} {"if":[1,["off"]]} {"and":["off"]}`},
		{document, `{"targeting": {"fractional": VALUE}, ` + rest + `}`, `[] {} null "on" {"var":"x"} {"x":1,"y":2} ["on"] [null] [[]] ["s",[]] ["s","s"] [["on",1]] [["off",1]] [null,null] [1,["on"]] [{"var":"x"},{"var":"y"}] [{"plus":1}] [["on",{"plus":1}]] [["on",1,{"plus":1}]] [[{"plus":1},1]]`},
		{document, `{"targeting": {"fractional": [["on", VALUE], ["on", 1]]}, ` + rest + `}`, `0 1 -1 -0 1.0 1.5 1e3 "5" "" null true [] {} {"var":"x"} 2147483646 2147483647 2147483648 9999999999 99999999999 1e-400`},
		{document, `{"targeting": {"sem_ver": VALUE}, ` + rest + `}`, `[] "a" {"var":"x"} [1,"=","1"] [1,"=>","1"] [1,"=","1",2] [1,"\u003d","1"] [1,1,1] [1,{"var":"x"},1] [1,{},1] [{"plus":1},"=",1] [1,["="],1]`},
		{document, `{"targeting": {"starts_with": VALUE}, ` + rest + `}`, `[] "a" {"var":"x"} {"plus":1} ["a","b"] ["a"] [{"plus":1},"b"] ["a","b","c"] {"x":1,"y":2}`},
		{document, `{"targeting": {"map": VALUE}, ` + rest + `}`, `[] [[{"plus":1}],1] [1,{"plus":1}] [{"plus":1},1] {"plus":1} [1,1,{"plus":1}] [[{"x":1,"$ref":"me"}],1]`},
		{document, `{"x": VALUE, ` + rest + `}`, `1 -0.0e+0 1e400 -1e400 1E-999 {"a":1,"\u0061":2} "\ud800" "\ud83d\ude00" "\u00zz" "\v" 01 1. .5 - +1 tru nul TRUE [1,] {"a":1,} {,} [1,,2] {"a"} {"a":} {1:2} "a`},
		{document, `{"expires": VALUE, ` + rest + `}`, moments()},
	} {
		for value := range strings.SplitSeq(c.values, " ") {
			definition := strings.Replace(c.flag, "VALUE", value, 1)
			compare(t, strings.Replace(c.document, "FLAG", definition, 1))
			compare(t, strings.Replace(c.document, "FLAG", `{"f":`+definition+`}`, 1))
		}
	}
}

// moments are a right one, and what is left of it and of others if one of
// their characters is lost or another.
func moments() string {
	var all []string
	for _, moment := range []string{"2027-03-31", "2027-03-31T12:00:00Z", "2027-03-31T12:00:00.25+01:00", "2027-03-31T12:00:00.1-10:30"} {
		for i := range len(moment) + 1 {
			for _, with := range []string{"", "7", "0", "d", ".", "Z", ":", "-", "+", "T", "é", `\u0037`} {
				all = append(all, `"`+moment[:i]+with+moment[min(i+1, len(moment)):]+`"`, `"`+moment[:i]+with+moment[i:]+`"`, `"`+moment[:i]+with+`"`)
			}
		}
	}
	return strings.Join(append(all, "20270331", "null"), " ")
}

func TestSettingsLookTheSameBothWays(t *testing.T) {
	for _, name := range []string{"$schema", "metadata", "$evaluators", "comment"} {
		for value := range strings.FieldsSeq(`"a" 1 null [] {} true {"flagSetId":"a"} {"flagSetId":1} {"flagSetId":true}
			{"version":"1"} {"version":1} {"version":true} {"version":null} {"x":"a"} {"x":1} {"x":true} {"x":null} {"x":[]} {"x":{}}
			{"a":{"$ref":"b"},"b":{"$ref":"a"}} {"a":{"!":[{"$ref":"a"},{"$ref":"b"}]},"b":{"x":1,"y":{"$ref":"b"}}}
			{"a":[{"$ref":"a"},{"$ref":"a"}]} {"a":{"$ref":"b"},"b":{"$ref":"c"},"c":{"$ref":"b"}}`) {
			compare(t, `{"`+name+`":`+value+`,"flags":{}}`)
		}
	}
	for _, document := range []string{
		``, `{}`, `[]`, `null`, `1`, `{"flags":{}}x`, `{"flags":{}} `, `{"flags":null}`, `{"flags":1}`, `{"flags":[]}`, `{"Flags":{}}`,
		`{"flags":{"":{}}}`, `{"flags":{"":{"state":"ENABLED","variants":{"a":1}}}}`, `{"flags":[{"state":"ENABLED","variants":{"a":1}}]}`,
		`{"flags":{},"fl\u0061gs":{}}`, `{"fl\u0061gs":{"x":1}}`, `{"flags":{"a":{},"\u0061":{}}}`,
	} {
		compare(t, document)
	}
}

func TestReferencesInDataCountForAFlagAlone(t *testing.T) {
	const settings = `{"$evaluators": {"me": {"!": {"$ref": "me"}}}}`
	const flag = `{"state": "ENABLED", "variants": {"on": 1}, "targeting": {"in": [1, {"a": 1, "b": [{"$ref": "me"}, {"$ref": "me"}]}]}}`
	want := "error ref_cycle /flags/f/targeting/in/1/b/0/$ref: evaluator \"me\" leads in a circle: me -> me\n"
	if got := told(lint.Flag("f", []byte(flag), []byte(settings))); got != want {
		t.Errorf("Flag finds\n%swant\n%s", got, want)
	}
}
