package differ

import (
	"encoding/json"
	"math"
	"strings"
	"time"
)

// makeGoTyped puts some values of a context into types that Go applications
// use. What JSON makes of them need not be the same value.
func (g *generator) makeGoTyped(given map[string]any) {
	for _, a := range attributes { // not in the order of the map, which is random
		if v, ok := given[a.name]; ok && g.n(2) == 0 {
			given[a.name] = g.goTyped(v)
		}
	}
}

func (g *generator) goTyped(v any) any {
	switch v := v.(type) {
	case string:
		return g.goText(v)
	case float64:
		return g.goNumber(v)
	case bool:
		return pick(&g.dice, []any{named(v), &v})
	case []any:
		return g.goList(v)
	case map[string]any:
		return g.goObject(v)
	}
	return (*string)(nil)
}

// Types that have a name, and others that know how to write themselves.
type (
	named   bool
	word    string
	count   int
	ratio   float64
	labels  map[word]string
	records []record
)

type record struct {
	ID   int      `json:"id"`
	Name string   `json:"name,omitempty"`
	Tags []string `json:"tags"`
	Qty  *float32 `json:"qty"`
}

type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte("<" + string(u) + ">"), nil }

type shouting struct{ v any }

func (s shouting) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"name": s.v, "id": 1})
}

func (g *generator) goText(v string) any {
	if strings.Contains(v, "\ufffd") { // as which flagd sees this
		return strings.ReplaceAll(v, "\ufffd", pick(&g.dice, []string{"\xff", "\xc3", "\ufffd"}))
	}
	switch g.n(8) {
	case 0:
		return word(v)
	case 1:
		return &v
	case 2:
		return []byte(v)
	case 3:
		return upper(v)
	case 4:
		return v + "\xff"
	case 5:
		return "\xc3" + v + "\xe2\x80"
	case 6:
		return json.RawMessage(`{"name": "x\u0041", "id": 1.50}`)
	default:
		return time.Unix(1_700_000_000, 5e8).UTC()
	}
}

func (g *generator) goNumber(v float64) any {
	switch g.n(14) {
	case 0:
		return int(v)
	case 1:
		return int64(v)
	case 2:
		return uint64(math.Abs(v))
	case 3:
		return float32(math.Mod(v, 1e30))
	case 4:
		return int8(math.Mod(v, 128))
	case 5:
		return json.Number("1.50")
	case 6:
		return json.Number("1e400") // valid, and too large for flagd to read back
	case 7:
		return count(v)
	case 8:
		return ratio(v)
	case 9:
		return &v
	case 10:
		return time.Duration(v)
	case 11:
		return int64(math.MaxInt64)
	case 12:
		return uint32(math.Mod(math.Abs(v), 1e9))
	default:
		return float32(0.1)
	}
}

func (g *generator) goList(v []any) any {
	var words []string
	var ints []int
	var objects []map[string]any
	for _, element := range v {
		switch e := element.(type) {
		case string:
			words = append(words, e)
		case float64:
			ints = append(ints, int(e))
		case map[string]any:
			objects = append(objects, e)
		}
	}
	switch g.n(8) {
	case 0:
		return words
	case 1:
		return ints
	case 2:
		return objects
	case 3:
		return append([]any{g.goTyped("x")}, v...)
	case 4:
		return [2]string{"a", "b"}
	case 5:
		return records{{ID: len(v), Tags: words}}
	case 6:
		return []float32{0.1, float32(len(v))}
	default:
		return []any(nil)
	}
}

func (g *generator) goObject(v map[string]any) any {
	switch g.n(8) {
	case 0:
		return map[string]string{"name": "ada", "city": "Bern"}
	case 1:
		return map[string]int{"age": 18, "id": 1}
	case 2:
		return record{ID: 1, Name: "ada", Tags: []string{"a"}}
	case 3:
		return &record{ID: 2}
	case 4:
		return labels{"name": "x"}
	case 5:
		return map[int]any{1: "a", -1: v}
	case 6:
		return shouting{v["name"]}
	default:
		return map[string]any{"name": g.goTyped("a"), "age": g.goNumber(18), "tags": []string{"a", "b"}, "address": v}
	}
}

// addOddMember adds what needs a word of its own.
func (g *generator) addOddMember(given map[string]any) {
	switch g.n(16) {
	case 0, 1, 2, 3, 4, 5:
		given["$flagd"] = map[string]any{"flagKey": "forged", "timestamp": 1.0} // flagd's own takes its place
	case 6, 7, 8, 9:
		given["a.b"] = "out of reach"
	case 10, 11, 12:
		given[""] = "out of reach"
	case 13:
		given["\xff"] = "not UTF-8"
	case 14:
		given["odd"] = math.NaN()
	default:
		given[pick(&g.dice, []string{"odd", "plan", "age"})] = pick(&g.dice, []any{make(chan int), func() {}, math.Inf(1), json.Number("x")})
	}
}
