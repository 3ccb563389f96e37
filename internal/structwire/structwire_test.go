package structwire_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/flagline/flagline/internal/structwire"
)

func objects() []map[string]any {
	deep := map[string]any{}
	for range 150 {
		deep = map[string]any{"d": []any{deep}}
	}
	return []map[string]any{
		nil,
		{},
		{"": ""},
		{"targetingKey": "user-7", "email": "a@example.com", "age": 31.5, "staff": true, "gone": nil},
		{"o": map[string]any{"l": []any{1.0, "x", nil, false, []any{}, map[string]any{}}}},
		{"long": strings.Repeat("é", 5000), "zero": 0.0, "minus": math.Copysign(0, -1), "no": false},
		deep,
	}
}

func TestWhatIsWrittenIsWhatTheLibraryReads(t *testing.T) {
	for _, object := range objects() {
		encoded := structwire.Append(nil, object)
		if size := structwire.Size(object); size > 0 && len(encoded) != size {
			t.Errorf("%d bytes were announced and %d written", structwire.Size(object), len(encoded))
		}
		message := new(structpb.Struct)
		if err := proto.Unmarshal(encoded, message); err != nil {
			t.Fatalf("the library cannot read what was written: %v", err)
		}
		if got := message.AsMap(); len(object)+len(got) > 0 && !reflect.DeepEqual(got, object) {
			t.Errorf("the library reads %v, want %v", got, object)
		}
	}
}

// Deep inside each other, values are measured at each level; the test's own limit
// would end one that does so 5,000 deep, which takes seconds.
func TestDepthCostsNoMoreThanSize(t *testing.T) {
	object := map[string]any{}
	for range 5_000 {
		object = map[string]any{"a": object}
	}
	if got := testing.AllocsPerRun(1, func() { structwire.Append(nil, object) }); got > 100_000 {
		t.Errorf("it takes %v allocations", got)
	}
	message := new(structpb.Struct)
	if err := (proto.UnmarshalOptions{RecursionLimit: 100_000}).Unmarshal(structwire.Append(nil, object), message); err != nil {
		t.Errorf("the library cannot read it: %v", err)
	}
}

func TestWhatTheLibraryWritesIsRead(t *testing.T) {
	for _, object := range objects() {
		message, err := structpb.NewStruct(object)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := proto.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		checkRead(t, encoded)
	}
}

func TestOddEncodingsAreReadAsTheLibraryReadsThem(t *testing.T) {
	text := func(number protowire.Number, content string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
	}
	number := func(f float64) string {
		return string(protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), math.Float64bits(f)))
	}
	entry := func(key, value string) string { return text(1, text(1, key)+text(2, value)) }
	for name, encoded := range map[string]string{
		"nothing":                 "",
		"value before key":        text(1, text(2, text(3, "v"))+text(1, "k")),
		"no value":                text(1, text(1, "k")),
		"no key":                  text(1, text(2, text(3, "v"))),
		"empty value":             entry("k", ""),
		"two kinds in a value":    entry("k", text(3, "a")+number(1)),
		"structs that merge":      entry("k", text(5, entry("a", text(3, "1")))+text(5, entry("b", text(3, "2")))),
		"key twice":               entry("k", text(3, "a")) + entry("k", text(3, "b")),
		"not a number":            entry("k", number(math.NaN())),
		"infinity":                entry("k", number(math.Inf(-1))),
		"unknown field":           entry("k", text(3, "a")) + text(9, "?"),
		"bytes that are no text":  entry("k", text(3, "\xff")),
		"key that is no text":     entry("\xff", text(3, "a")),
		"boolean beyond one":      entry("k", "\x20\x07"),
		"null beyond zero":        entry("k", "\x08\x05"),
		"length beyond the end":   "\x0a\x7f",
		"number that is cut off":  entry("k", "\x11\x00\x00"),
		"wrong type of the field": "\x08\x01",
		"tag in two bytes":        "\x8a\x00" + text(1, text(1, "k"))[1:],
		"deeper than the library": strings.Repeat("\x0a\xff\xff\x7f", 5),
	} {
		t.Run(name, func(t *testing.T) { checkRead(t, []byte(encoded)) })
	}
}

// checkRead compares what is read of encoded with what the library reads.
func checkRead(t *testing.T, encoded []byte) {
	t.Helper()
	got, err := structwire.Read(encoded)
	message := new(structpb.Struct)
	if wrong := proto.Unmarshal(encoded, message); wrong != nil || err != nil {
		if (wrong == nil) != (err == nil) {
			t.Errorf("reading %x gives error %v, and the library's is %v", encoded, err, wrong)
		}
		return
	}
	if want := message.AsMap(); !reflect.DeepEqual(got, want) {
		t.Errorf("reading %x gives %#v, and the library reads %#v", encoded, got, want)
	}
}

func FuzzRead(f *testing.F) {
	for _, object := range objects()[:5] {
		f.Add(structwire.Append(nil, object))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) { checkRead(t, encoded) })
}

func TestNumbersOfAllTypesAreWritten(t *testing.T) {
	for _, n := range []any{
		7, int8(7), int16(7), int32(7), int64(7), uint(7), uint8(7), uint16(7), uint32(7), uint64(7), 7.0,
	} {
		object := map[string]any{"n": n, "l": []any{n, map[string]any{"n": n}}}
		encoded := structwire.Append(nil, object)
		if size := structwire.Size(object); len(encoded) != size {
			t.Errorf("%T: %d bytes were announced and %d written", n, size, len(encoded))
		}
		got, err := structwire.Read(encoded)
		want := map[string]any{"n": 7.0, "l": []any{7.0, map[string]any{"n": 7.0}}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T is read as %v, %v", n, got, err)
		}
	}
}
