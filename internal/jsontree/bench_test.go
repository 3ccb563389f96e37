package jsontree_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/bench/cputime"
	"github.com/flagline/flagline/internal/jsontree"
)

// document is a flagd document of n flags of about 285 bytes, no two alike.
func document(n int) []byte {
	domains := []string{"example.com", "example.org", "flagline.dev", "test.invalid"}
	b := []byte(`{"$schema":"https://flagd.dev/schema/v0/flags.json","flags":{`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"flag-%05d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",`, i)
		domain := domains[i%len(domains)]
		switch i % 3 {
		case 0:
			b = fmt.Appendf(b, `"targeting":{"if":[{"ends_with":[{"var":"email"},"@%s"]},"on",`+
				`{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"email"}]},["on",%d],["off",%d]]}]}`, domain, i%100, 100-i%100)
		case 1:
			b = fmt.Appendf(b, `"targeting":{"if":[{"sem_ver":[{"var":"version"},">=","%d.%d.0"]},"on",`+
				`{"==":[{"var":"plan"},"plan-%d"]},"on",{"fractional":[["on",%d],["off",%d]]}]}`, i%7, i%13, i, i%100, 100-i%100)
		default:
			b = fmt.Appendf(b, `"targeting":{"if":[{"and":[{"==":[{"var":"country"},"c%d"]},{"in":[{"var":"plan"},["free","pro","p%d"]]}]},`+
				`"on",{"fractional":[["on",%d],["off",%d]]}]}`, i%50, i, i%100, 100-i%100)
		}
		b = fmt.Appendf(b, `,"metadata":{"owner":"team-%d","ticket":%d}}`, i%40, i)
	}
	return append(b, "}}"...)
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		data := document(n)
		b.Run(fmt.Sprintf("%d/ours", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				jsontree.Decode(data)
			}
		})
		b.Run(fmt.Sprintf("%d/encoding_json", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var v any
				if err := json.Unmarshal(data, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAgainstEncodingJSON decodes with one and the other in turns, and
// reports how many times the processor time of ours encoding/json needs; to
// rebuild is to make the maps and slices of the value when there is nothing to
// be read: what no decoder can do without.
func BenchmarkAgainstEncodingJSON(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
		each int
	}{
		{"one flag", document(1), 5_000},
		{"many flags", document(10_000), 1},
		{"many flags indented", indented(b, document(10_000)), 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			tree, _, ok := jsontree.Decode(c.data)
			if !ok {
				b.Fatal("cannot be decoded")
			}
			plan := steps(nil, tree)
			tree = nil
			var ours, theirs, rebuilds []float64
			for b.Loop() {
				theirs = append(theirs, used(c.each, func() {
					var v any
					_ = json.Unmarshal(c.data, &v)
				}))
				ours = append(ours, used(c.each, func() { jsontree.Decode(c.data) }))
				rebuilds = append(rebuilds, used(c.each, func() { rebuilt(plan) }))
			}
			b.ReportMetric(median(theirs)/median(ours), "encoding/json:ours")
			b.ReportMetric(median(theirs)/median(rebuilds), "encoding/json:rebuild")
			b.ReportMetric(float64(len(c.data)*c.each)/1e6/median(ours), "MB/cpu-s")
		})
	}
}

func used(times int, do func()) float64 {
	runtime.GC() // what others left is not ours to sweep
	before := cputime.Used()
	for range times {
		do()
	}
	return max(cputime.Used()-before, time.Microsecond).Seconds()
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

func indented(tb testing.TB, data []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// A step of a rebuilding makes one value of those that were made last.
type step struct {
	leaf  any
	names []string // of an object
	size  int      // of an array
}

// steps returns how to make v.
func steps(all []step, v any) []step {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			all = steps(all, element)
		}
		return append(all, step{size: len(v)})
	case map[string]any:
		names := slices.Collect(maps.Keys(v))
		for _, name := range names {
			all = steps(all, v[name])
		}
		return append(all, step{names: names})
	}
	return append(all, step{leaf: v, size: -1})
}

// rebuilt makes a value, but no strings and numbers.
func rebuilt(all []step) any {
	var stack []any
	for i := range all {
		switch s := &all[i]; {
		case s.names != nil:
			first := len(stack) - len(s.names)
			object := make(map[string]any, len(s.names))
			for i, name := range s.names {
				object[name] = stack[first+i]
			}
			stack = append(stack[:first], object)
		case s.size >= 0:
			first := len(stack) - s.size
			stack = append(stack[:first], slices.Clone(stack[first:]))
		default:
			stack = append(stack, s.leaf)
		}
	}
	return stack[0]
}
