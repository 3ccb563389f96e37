package jsontree_test

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/flagline/flagline/internal/jsontree"
)

// compareCompact decodes data into maps, into compact values, and with a Reader
// step by step.
func compareCompact(t *testing.T, data []byte) {
	t.Helper()
	want, unique, ok := jsontree.Decode(data)
	compact, isRight := jsontree.DecodeCompact(data)
	if isRight != (ok && unique) {
		t.Fatalf("%.200q: compact: ok is %v, want %v and unique %v", data, isRight, ok, unique)
	}
	if isRight {
		if v := jsontree.Expand(compact); !reflect.DeepEqual(v, want) || !sameSigns(v, want) {
			t.Fatalf("%.200q: compact: got %#v, want %#v", data, v, want)
		}
	}
	for name, read := range map[string]func(*jsontree.Reader) any{"in order": inOrder, "last first": lastFirst} {
		r := jsontree.NewReader(data)
		v := read(r)
		if !isRight {
			// The outer names may be there twice.
			if r.AtEnd() && !ok {
				t.Fatalf("%.200q: %s: it is not JSON, which nobody sees", data, name)
			}
			continue
		}
		if !r.AtEnd() || !reflect.DeepEqual(v, want) {
			t.Fatalf("%.200q: %s: got %#v at the end %v, want %#v", data, name, v, r.AtEnd(), want)
		}
	}
}

// inOrder reads a value, whose members or elements one by one.
func inOrder(r *jsontree.Reader) any {
	switch r.Next() {
	case '{':
		object := map[string]any{}
		for name := range r.Members() {
			v, _ := r.Value()
			object[name] = jsontree.Expand(v)
		}
		return object
	case '[':
		array := []any{}
		for range r.Elements() {
			v, _ := r.Value()
			array = append(array, jsontree.Expand(v))
		}
		return array
	}
	v, _ := r.Value()
	return jsontree.Expand(v)
}

// lastFirst is inOrder that passes over what is an object or an array inside,
// and reads it in the end.
func lastFirst(r *jsontree.Reader) any {
	if r.Next() != '{' {
		return inOrder(r)
	}
	object := map[string]any{}
	later := map[string]jsontree.Mark{}
	for name := range r.Members() {
		if b := r.Next(); b == '{' || b == '[' {
			later[name] = r.Skip()
			continue
		}
		v, _ := r.Value()
		object[name] = jsontree.Expand(v)
	}
	end := r.Here()
	for name, at := range later {
		r.Return(at)
		object[name] = inOrder(r)
	}
	r.Return(end)
	return object
}

func TestValuesOfAReaderAreOverwritten(t *testing.T) {
	large := strings.Repeat(`{"a": [1, {}]}, ["x"], `, 100)
	text := `[[` + large + `0], {"f": [{"x": ["y"]}, 2]}, [` + large + `0]]`
	r := jsontree.NewReader([]byte(text))
	var values, copies []any
	for range r.Elements() {
		v, ok := r.Value()
		if !ok {
			t.Fatal("cannot be read")
		}
		values, copies = append(values, v), append(copies, jsontree.Expand(v))
	}
	if want, _, _ := jsontree.Decode([]byte(text)); !r.AtEnd() || !reflect.DeepEqual(any(copies), want) {
		t.Error("copies are not what was read")
	}
	if reflect.DeepEqual(jsontree.Expand(values[1]), copies[1]) {
		t.Error("a value outlived the next one: is its memory not used again?")
	}
}

func TestCompactObjectsHaveNoMemberTwice(t *testing.T) {
	for n := range 40 {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"%d": 0, `, i)
		}
		for i := range n {
			text := fmt.Appendf(nil, `[{%s"%d": 1}]`, b.String(), i)
			if _, ok := jsontree.DecodeCompact(text); ok {
				t.Fatalf("%s: nothing is wrong", text)
			}
		}
		compare(t, []byte(`{`+b.String()+`"x": 1}`))
	}
}

func TestReaderTellsInTheEndWhatWentWrong(t *testing.T) {
	for _, c := range []struct {
		text string
		read func(r *jsontree.Reader)
	}{
		{`{"a": 1}`, func(*jsontree.Reader) {}},
		{`{"a": 1} 2`, func(r *jsontree.Reader) { r.Value() }},
		{`{"a": {"b": 1, "b": 2}}`, func(r *jsontree.Reader) { r.Value() }},
		{`{"a": 1}`, func(r *jsontree.Reader) { r.Elements()(func(struct{}) bool { return true }) }},
		{`[1]`, func(r *jsontree.Reader) { r.Members()(func(string) bool { return true }) }},
		{`{"a": 1}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { return true }) }}, // the value was not read
		{`{"a": 1}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { return false }) }},
		{`{"a": 1}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { r.Skip(); return true }) }},
		{`{"a": [}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { r.Skip(); return true }) }},
		{`{1: 1}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { r.Value(); return true }) }},
		{`{"a": 1,}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { r.Value(); return true }) }},
		{`{"a": x}`, func(r *jsontree.Reader) { r.Members()(func(string) bool { r.Value(); return true }) }},
		{`[x]`, func(r *jsontree.Reader) { r.Value(); r.Value() }},
		{`[1`, func(r *jsontree.Reader) { r.Elements()(func(struct{}) bool { r.Value(); return true }) }},
	} {
		r := jsontree.NewReader([]byte(c.text))
		c.read(r)
		if r.AtEnd() {
			t.Errorf("%s: nothing is wrong", c.text)
		}
	}
}

func TestCompactValuesNeedFewAllocations(t *testing.T) {
	one, many := document(1), document(1_000)
	if n := testing.AllocsPerRun(10, func() { jsontree.DecodeCompact(one) }); n > 16 {
		t.Errorf("one flag: %v allocations", n)
	}
	whole := testing.AllocsPerRun(5, func() { jsontree.Decode(many) })
	flags := testing.AllocsPerRun(5, func() {
		r := jsontree.NewReader(many)
		for name := range r.Members() {
			if name != "flags" {
				r.Value()
				continue
			}
			for range r.Members() {
				r.Value()
			}
		}
		if !r.AtEnd() {
			t.Error("cannot be read")
		}
	})
	if flags > whole/3 {
		t.Errorf("many flags: %v allocations, maps and slices need %v", flags, whole)
	}
}

func TestExpandedValuesDoNotKeepTheReader(t *testing.T) {
	data := new([1 << 20]byte)
	text := bytes.Clone(document(100))
	copy(data[:], text)
	kept := weak.Make(data)
	v, ok := jsontree.DecodeCompact(data[:len(text)])
	if !ok {
		t.Fatal("cannot be decoded")
	}
	expanded := jsontree.Expand(v)
	v, data = nil, nil
	runtime.GC()
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the document is still there")
	}
	runtime.KeepAlive(expanded)
}
