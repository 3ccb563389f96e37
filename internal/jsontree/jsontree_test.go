package jsontree_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/flagline/flagline/internal/jsontree"
)

// nasty are texts that have been read in more than one way somewhere.
func nasty() []string {
	all := []string{
		"", " ", "\x00", "\ufeff{}", "\ufeff", "{}", "[]", " { } ", "\t[\n]\r ", "\v[]", "\f[]", "\u00a0[]", "[]\x00", "\x00[]", "[] []", "{}x",
		"null", "true", "false", "nul", "nulll", "tru", "True", "NaN", "Infinity", "undefined", "t", "f", "n", "null ", "nullnull",
		`[null,true,false]`, `[,]`, `[1,]`, `[1 2]`, `[1,,2]`, `[`, `]`, `[1`, `[1,`, `[}`, `{]`, `[[]`, `[]]`,
		`{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{"a"::1}`, `{a:1}`, `{1:1}`, `{'a':1}`, `{null:1}`, `{"a":1 "b":2}`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":[]}`, `{"a":{"b":1,"b":2}}`, "{\"\xff\":1,\"\xfe\":2}", `{"\ud800":1,"\udfff":2}`, `{"":"","":null}`, `[{},{}]`, `{"":[],"a":[[]]}`,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"a":11}`,
		"// c\n1", "/* c */1", `[1]//`, `#`, `'a'`, "`a`", `"a`, `"`, `"\`, `"\"`, `"a"b`, `"a" `, "\"a\x00b\"", "\"\n\"", "\"\t\"", "\"\x1f\"", "\"\x7f\"", `"\x41"`, `"\'"`, `"\0"`, `"\a"`, `"\v"`, `"\U0041"`,
		`"\"\\\/\b\f\n\r\t"`, `"\u0000"`, `"\u004"`, `"\u004g"`, `"\u00e9\u00E9"`, `"\u"`, `"\u12`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\ude00"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`,
		`"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ud83d\u"`, `"\ud83d\ude0"`, `"\ud83d\`, `"\ud83d\x"`, `"\udbff\udfff"`, `"\uffff\ufffe\ufffd"`, `"\ud83d\\ude00"`,
		"\"\xff\"", "\"\xff\xfe\xfd\"", "\"a\xe2\x82\"", "\"\xe2\x82", "\"\xe2\x82\\n\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\"", "\"\xef\xbf\xbd\"", "\"\u2028\u2029\"", "\"\x80abcdefghijklmnopqrstuvwxyz\"", "\"abcdefghijklmnopqrstuvwxyz\xff\"", "\"größer\"", "\"\xc2\"\"",
		"0", "-0", "-0.0", "0.0", "-", "+1", "00", "01", "-01", "0x10", "1_000", ".5", "5.", "-.5", "1.e1", "1e", "1e+", "1e-", "1E5", "1e5", "1e+05", "1e-5", "1e05", "1.5e300", "1e999", "-1e999", "1e-999", "-1e-999", "0e999", "[1e999]", `{"a":[1e999],"b":`, "1a", "1 a", "1.5.5", "1e5e5", "1e5.5", "--1", "1-", "1+1", "0-", "00.5", "0e", "0e1", "1,", "Inf", "1f", "0x1p4", "١",
		"9", "255", "256", "999999999999999", "1000000000000000", "9007199254740991", "9007199254740992", "9007199254740993", "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "000000000000000000", "0000000000000001",
		"1.7976931348623157e308", "1.7976931348623159e308", "179769313486231580793728971405301e276", "5e-324", "2e-324", "2.2250738585072011e-308", "0.1", "0.30000000000000004", "123456789012345678e-5", "-5", "-255", "-1.5", "1.0000000000000000000000000000000000000000000000000000000000000000000001",
		strings.Repeat("9", 308), strings.Repeat("9", 310), "0." + strings.Repeat("0", 400) + "1", "1" + strings.Repeat("0", 400) + "e-400",
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		strings.Repeat("[", 9_999) + "{}" + strings.Repeat("]", 9_999), strings.Repeat("[", 10_000) + "{}" + strings.Repeat("]", 10_000),
		strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
		strings.Repeat("[", 20_000), "[" + strings.Repeat("[],", 20_000) + "[]]",
		strings.Repeat("\xff", 40), `"` + strings.Repeat("\xff", 40) + `"`,
	}
	// A string ends, or stops being plain, at every place of the eight bytes
	// that are looked at at once, near the end of the text and far from it.
	for length := range 34 {
		s := strings.Repeat("abcdefgh", 5)[:length]
		for _, end := range []string{"", `"`, "\x00", "\x1f", "\x7f", "\x80", "\xff", "é", `\n`, `\`, `\u00e9`, "!", "#", "[", "]", " "} {
			text := `"` + s + end + `"`
			all = append(all, text, "["+text+`,1,2,"and then some more"]`, "{"+text+`:`+text+`,"on":`+text+"}")
		}
	}
	return all
}

func TestNastyTextsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	for _, text := range nasty() {
		compare(t, []byte(text))
		// Long texts have words of their own.
		compare(t, []byte(`[`+text+`,"`+strings.Repeat("long ", 2_000)+`",`+text+`]`))
	}
}

func TestManyFlagsAreReadAsEncodingJSONReadsThem(t *testing.T) {
	compare(t, document(3_000))
	compare(t, indented(t, document(3_000)))
}

func TestEveryPrefixOfADocumentIsReadAsEncodingJSONReadsIt(t *testing.T) {
	data := document(3)
	for n := range data {
		compare(t, data[:n:n])
	}
}

func TestEveryByteMayBeWrong(t *testing.T) {
	for _, text := range []string{`{"on":[true,-1.5e3,"a\u00e9\n"],"state":null} `, `["abcdefghijklmnopqrstuvwxyz", 12, {"if":{}}]`} {
		for i := range text {
			for b := range 256 {
				data := []byte(text)
				data[i] = byte(b)
				compare(t, data)
			}
		}
	}
}

func FuzzDecodesAsEncodingJSON(f *testing.F) {
	for _, text := range nasty() {
		if len(text) < 5_000 {
			f.Add([]byte(text))
		}
	}
	for _, data := range testdata(f) {
		f.Add(data)
	}
	f.Add(document(3))
	f.Add(document(40))
	f.Fuzz(compare)
}

// testdata returns everything that lies in the evaluator's testdata folders,
// and the JSON texts in there on their own.
func testdata(tb testing.TB) (all [][]byte) {
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "testdata") {
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, data)
		for part := range strings.SplitSeq(string(data), "\n-- ") {
			if _, file, ok := strings.Cut(part, " --\n"); ok {
				all = append(all, []byte(file))
			}
			for line := range strings.Lines(part) {
				if i := strings.IndexAny(line, "{["); i >= 0 {
					all = append(all, []byte(line[i:]))
				}
			}
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// compare decodes data with both.
func compare(t *testing.T, data []byte) {
	t.Helper()
	compareCompact(t, data)
	given, data := string(data), bytes.Clone(data)
	v, unique, ok := jsontree.Decode(data)
	if string(data) != given {
		t.Fatalf("%.200q was changed to %.200q", given, data)
	}
	var want any
	err := json.Unmarshal(data, &want)
	if ok != (err == nil) {
		t.Fatalf("%.200q: ok is %v, encoding/json says %v", data, ok, err)
	}
	if !ok {
		if v != nil || unique {
			t.Fatalf("%.200q: got %v, unique %v with what is not JSON", data, v, unique)
		}
		return
	}
	clear(data) // v must not refer to it
	if !reflect.DeepEqual(v, want) || !sameSigns(v, want) {
		t.Fatalf("%.200q: got %#v, encoding/json says %#v", given, v, want)
	}
	if want := uniqueNames(json.NewDecoder(strings.NewReader(given))); unique != want {
		t.Fatalf("%.200q: unique is %v, want %v", given, unique, want)
	}
}

// sameSigns tells 0 from -0, which are the same for reflect.DeepEqual.
func sameSigns(v, want any) bool {
	switch v := v.(type) {
	case float64:
		return math.Float64bits(v) == math.Float64bits(want.(float64))
	case []any:
		for i, element := range v {
			if !sameSigns(element, want.([]any)[i]) {
				return false
			}
		}
	case map[string]any:
		for name, value := range v {
			if !sameSigns(value, want.(map[string]any)[name]) {
				return false
			}
		}
	}
	return true
}

// uniqueNames reads a value.
func uniqueNames(dec *json.Decoder) bool {
	dec.UseNumber()
	type level struct {
		names map[any]bool // nil in an array
		value bool         // whether a value is next
	}
	var open []level
	for {
		token, err := dec.Token()
		if err != nil {
			return true
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].names != nil {
			in := &open[n-1]
			if !in.value {
				if in.names[token] {
					return false
				}
				in.names[token], in.value = true, true
				continue
			}
			in.value = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{names: map[any]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		}
	}
}

func TestUniqueIsFalseIfAnObjectHasAMemberTwice(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1,"b":{"a":1},"c":[{"a":1}]}`: true,
		`[1,1,"a","a"]`:                     true,
		`{"a":1,"A":1}`:                     true,
		`{"a":1,"a":1}`:                     false,
		`{"a":1,"b":{"c":[{"d":1,"d":2}]}}`: false,
		`{"a":1,"\u0061":1}`:                false,
		`{"":1,"":1}`:                       false,
	} {
		if _, unique, ok := jsontree.Decode([]byte(text)); unique != want || !ok {
			t.Errorf("%s: got unique %v, ok %v, want %v", text, unique, ok, want)
		}
	}
}

func TestValuesMayBeChangedWithoutChangingOthers(t *testing.T) {
	data := []byte(`[{}, {}, [], [], {"on": [], "off": {}}, {"on": [], "off": {}}]`)
	v, _, _ := jsontree.Decode(data)
	list := v.([]any)
	list[0].(map[string]any)["x"] = 1
	_ = append(list[2].([]any), 1)
	list[4].(map[string]any)["off"].(map[string]any)["x"] = 1
	if got := fmt.Sprint(v); got != "[map[x:1] map[] [] [] map[off:map[x:1] on:[]] map[off:map[] on:[]]]" {
		t.Error("got", got)
	}
	compare(t, data)
}

func TestStringsDoNotKeepTheDocument(t *testing.T) {
	data := new([1 << 20]byte)
	text := document(1_000)
	copy(data[:], text)
	document := weak.Make(data)
	v, _, ok := jsontree.Decode(data[:len(text)])
	if !ok {
		t.Fatal("cannot be decoded")
	}
	data = nil
	runtime.GC()
	runtime.GC()
	if document.Value() != nil {
		t.Error("the document is still there")
	}
	runtime.KeepAlive(v)
}

func TestDecodersDoNotShareWhatTheyLearn(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for n := range 50 {
				compare(t, fmt.Appendf(nil, `{"":"","mine-%d":"w%d","on":"off","w%d":["w%d",""]}`, i, n, n, n))
			}
			compare(t, document(100))
		})
	}
}

func TestDecodeAllocatesAtMostHalfOfWhatEncodingJSONDoes(t *testing.T) {
	for _, n := range []int{1, 1_000} {
		data := document(n)
		ours := testing.AllocsPerRun(5, func() { jsontree.Decode(data) })
		theirs := testing.AllocsPerRun(5, func() {
			var v any
			_ = json.Unmarshal(data, &v)
		})
		if ours > theirs/2 {
			t.Errorf("%d flags: %v allocations, encoding/json has %v", n, ours, theirs)
		}
	}
}
