package cache_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/provider/internal/cache"
)

func sum(t *testing.T, ec map[string]any) cache.Key {
	t.Helper()
	key, ok := cache.Sum(ec)
	if !ok {
		t.Fatalf("%v has no sum", ec)
	}
	return key
}

func TestContextsThatDifferHaveDifferentSums(t *testing.T) {
	contexts := []map[string]any{
		{},
		{"a": nil},
		{"a": false},
		{"a": true},
		{"a": 0.0},
		{"a": math.Copysign(0, -1)},
		{"a": 1.0},
		{"a": math.Float64frombits(1)},
		{"a": "\x01\x00\x00\x00\x00\x00\x00\x00"}, // the same bytes
		{"a": ""},
		{"a": "1"},
		{"a": "a"},
		{"a": "true"},
		{"a": "null"},
		{"a": []any{}},
		{"a": []any{nil}},
		{"a": []any{nil, nil}},
		{"a": []any{"a"}},
		{"a": []any{"a", "b"}},
		{"a": []any{"b", "a"}},
		{"a": []any{"ab"}},
		{"a": []any{"ab", ""}},
		{"a": []any{"a", []any{"b"}}},
		{"a": []any{[]any{"a"}, "b"}},
		{"a": []any{map[string]any{}}},
		{"a": map[string]any{}},
		{"a": map[string]any{"": nil}},
		{"a": map[string]any{"b": 1.0}},
		{"a": map[string]any{"b": 1.0, "c": 2.0}},
		{"a": map[string]any{"b": 2.0, "c": 1.0}},
		{"a": map[string]any{"b": 1.0}, "c": 2.0},
		{"a": map[string]any{"b": map[string]any{}}},
		{"a.b": 1.0},
		{"b": 1.0},
		{"": "a1"},
		{"a1": ""},
		{"a": "1", "b": "2"},
		{"a": "2", "b": "1"},
		{"b": "1", "a": "1"},
		{"a": 1.0, "b": 2.0},
		{"a": 2.0, "b": 1.0},
		{"a": true, "b": false},
		{"a": false, "b": true},
		{"a": "b", "c": "d"},
		{"a": "d", "c": "b"},
	}
	seen := make(map[cache.Key]int)
	for i, ec := range contexts {
		key := sum(t, ec)
		if j, ok := seen[key]; ok {
			t.Errorf("%#v and %#v have the same sum", ec, contexts[j])
		}
		seen[key] = i
	}
}

func TestContextsThatEvaluateAlikeHaveTheSameSum(t *testing.T) {
	want := sum(t, map[string]any{"a": 7.0})
	for _, seven := range []any{
		7, int8(7), int16(7), int32(7), int64(7), uint(7), uint8(7), uint16(7), uint32(7), uint64(7),
	} {
		if got := sum(t, map[string]any{"a": seven}); got != want {
			t.Errorf("the sum of %T 7 is %v, want that of float64 7, %v", seven, got, want)
		}
	}
	null := sum(t, map[string]any{"a": nil})
	for _, value := range []any{map[string]any(nil), []any(nil)} {
		if got := sum(t, map[string]any{"a": value}); got != null {
			t.Errorf("the sum of a nil %T is %v, want that of nil, %v", value, got, null)
		}
	}
	if sum(t, nil) != sum(t, map[string]any{}) {
		t.Error("no context and an empty one have different sums")
	}
}

func TestContextsWithOtherValuesHaveNoSum(t *testing.T) {
	itself := map[string]any{}
	itself["a"] = itself
	round := []any{nil}
	round[0] = round
	for name, ec := range map[string]map[string]any{
		"a struct":            {"a": struct{}{}},
		"a slice of text":     {"a": []string{"b"}},
		"a pointer in a list": {"a": []any{new(int)}},
		"a map in itself":     itself,
		"a list in itself":    {"a": round},
		"a channel in a map":  {"a": map[string]any{"b": make(chan int)}},
		"a complex number":    {"a": 1i},
	} {
		if key, ok := cache.Sum(ec); ok {
			t.Errorf("the sum of a context with %s is %v, want none", name, key)
		}
	}
}

// A generator makes contexts of so few names and values that many are equal,
// and more are nearly so.
type generator struct{ *rand.Rand }

func (g generator) value(depth int) any {
	n := 7
	if depth == 0 {
		n = 5
	}
	switch g.IntN(n) {
	case 0:
		return nil
	case 1:
		return g.IntN(2) == 0
	case 2:
		return float64(g.IntN(5)) - 2
	case 3, 4:
		return strings.Repeat("ab", g.IntN(3)) + string(rune('0'+g.IntN(3)))
	case 5:
		l := make([]any, g.IntN(4))
		for i := range l {
			l[i] = g.value(depth - 1)
		}
		return l
	default:
		return g.object(depth-1, 3)
	}
}

func (g generator) object(depth, members int) map[string]any {
	m := make(map[string]any)
	for range g.IntN(members + 1) {
		m[string(rune('a'+g.IntN(4)))] = g.value(depth)
	}
	return m
}

func TestSumsTellApartWhatJSONTellsApart(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	texts := make(map[string]cache.Key)
	keys := make(map[cache.Key]string)
	first, second := make(map[uint64]bool), make(map[uint64]bool)
	for range 100_000 {
		ec := g.object(3, 4)
		key, text := sum(t, ec), encode(t, ec)
		if was, ok := texts[text]; ok {
			if was != key {
				t.Fatalf("%s has the sums %v and %v", text, was, key)
			}
			continue
		}
		if was, ok := keys[key]; ok {
			t.Fatalf("%s and %s have the same sum", text, was)
		}
		texts[text], keys[key] = key, text
		one, two := key.Halves()
		first[one], second[two] = true, true
	}
	// A half is too little to rely on, but not to tell these apart.
	if len(first) != len(keys) || len(second) != len(keys) {
		t.Errorf("of %d contexts the halves tell %d and %d apart", len(keys), len(first), len(second))
	}
	for half := range first {
		if second[half] && half != 0 { // the empty context
			t.Fatalf("a first half is another one's second half: their seeds are not independent")
		}
	}
}

func FuzzSum(f *testing.F) {
	for _, pair := range [][2]string{
		{`{}`, `{"a":null}`},
		{`{"a":{"b":1}}`, `{"a.b":1}`},
		{`{"a":["a","b"]}`, `{"a":["b","a"]}`},
		{`{"a":1,"b":"1","c":true}`, `{"c":true,"b":"1","a":1}`},
		{`{"a":0,"b":[{},[],""]}`, `{"a":-0,"b":[[],{},""]}`},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		var a, b map[string]any
		if json.Unmarshal([]byte(one), &a) != nil || json.Unmarshal([]byte(two), &b) != nil {
			return
		}
		if a == nil || b == nil {
			return // the document was "null"
		}
		sumA, okA := cache.Sum(a)
		sumB, okB := cache.Sum(b)
		if !okA || !okB {
			return // nested too deep
		}
		if same := encode(t, a) == encode(t, b); same != (sumA == sumB) {
			t.Errorf("%s has the sum %v, and %s %v", one, sumA, two, sumB)
		}
		if again := sum(t, refilled(a)); again != sumA {
			t.Errorf("%s has the sum %v, and filled in another order %v", one, sumA, again)
		}
	})
}

// refilled returns what equals m and was filled in the opposite order of names,
// with others in between.
func refilled(m map[string]any) map[string]any {
	again := make(map[string]any)
	for i := range 20 {
		again[fmt.Sprintf("in between %d", i)] = nil
	}
	names := slices.Sorted(maps.Keys(m))
	for _, name := range slices.Backward(names) {
		if nested, ok := m[name].(map[string]any); ok {
			again[name] = refilled(nested)
		} else {
			again[name] = m[name]
		}
	}
	for i := range 20 {
		if name := fmt.Sprintf("in between %d", i); !slices.Contains(names, name) {
			delete(again, name)
		}
	}
	return again
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
