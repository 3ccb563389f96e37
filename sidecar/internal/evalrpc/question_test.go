package evalrpc

import (
	"reflect"
	"strings"
	"testing"

	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// questions are requests in the forms in which they travel.
func questions(t testing.TB) (wire, text [][]byte) {
	t.Helper()
	ec, err := structpb.NewStruct(map[string]any{"targetingKey": "u", "age": 3.5, "l": []any{nil, true, map[string]any{"x": "y"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []*eval.ResolveBooleanRequest{
		{}, {FlagKey: "new-checkout"}, {FlagKey: "é", Context: ec}, {Context: &structpb.Struct{}},
	} {
		encoded, err := proto.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		written, err := protojson.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		wire, text = append(wire, encoded), append(text, written)
	}
	return wire, text
}

// checkWire compares what is read of data with what the library reads.
func checkWire(t *testing.T, data []byte) {
	t.Helper()
	one, all := new(eval.ResolveBooleanRequest), new(eval.ResolveAllRequest)
	q, e := new(question), new(every)
	got, want := q.ReadWire(data), proto.Unmarshal(data, one)
	if (got == nil) != (want == nil) {
		t.Fatalf("reading %x gives error %v, and the library's is %v", data, got, want)
	}
	if got == nil && (q.key != one.GetFlagKey() || !sameObject(q.context, one.GetContext())) {
		t.Errorf("reading %x gives %q %v, and the library reads %v", data, q.key, q.context, one)
	}
	got, want = e.ReadWire(data), proto.Unmarshal(data, all)
	if (got == nil) != (want == nil) {
		t.Fatalf("reading %x for all flags gives error %v, and the library's is %v", data, got, want)
	}
	if got == nil && !sameObject(e.context, all.GetContext()) {
		t.Errorf("reading %x for all flags gives %v, and the library reads %v", data, e.context, all)
	}
}

func checkText(t *testing.T, data []byte) {
	t.Helper()
	one, q := new(eval.ResolveBooleanRequest), new(question)
	got, want := q.ReadText(data), protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, one)
	if want != nil {
		return // what is read beyond that does no harm
	}
	if got != nil || q.key != one.GetFlagKey() || !sameObject(q.context, one.GetContext()) {
		t.Errorf("reading %s gives %q %v %v, and the library reads %v", data, q.key, q.context, got, one)
	}
}

func sameObject(got map[string]any, want *structpb.Struct) bool {
	return len(got)+len(want.GetFields()) == 0 || reflect.DeepEqual(got, want.AsMap())
}

func TestRequestsAreReadAsTheLibraryReadsThem(t *testing.T) {
	wire, text := questions(t)
	field := func(number protowire.Number, content string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
	}
	for _, odd := range []string{
		field(2, "") + field(1, "after"), field(1, "a") + field(1, "b"), field(1, "a") + field(9, "?"),
		field(1, "\xff"), field(2, field(1, "?")), "\x0a", "\x0a\x05a", "\x12\xff\xff\xff\xff\x0f", "\x08\x01", "\x0b\x0c",
		field(2, field(1, field(1, "k")+field(2, "\x1a\x01v"))) + field(2, field(1, field(1, "j")+field(2, "\x1a\x01w"))),
	} {
		wire = append(wire, []byte(odd))
	}
	for _, data := range wire {
		checkWire(t, data)
	}
	for _, odd := range []string{
		`{"flag_key":"a"}`, `{"flagKey":"a","flag_key":"b"}`, `{"flagKey":null,"context":null}`, `{"flagKey":1}`,
		`{"context":[]}`, `{"context":{"a":1,"a":2}}`, `{"novel":{"a":1},"flagKey":"x"}`, `null`, `[]`, ``, ` `, `{} {}`,
		`{"flagKey":"\ud800"}`, "{\"flagKey\":\"\xff\"}", `{"context":{"n":1e999}}`, strings.Repeat("[", 20000),
		`{"context":` + strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 201),
	} {
		text = append(text, []byte(odd))
	}
	for _, data := range text {
		checkText(t, data)
	}
}

func TestAnEmptyBodyIsNoJSON(t *testing.T) {
	if err := new(question).ReadText(nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("reading nothing gives %v, want an error that says so", err)
	}
}

func FuzzWireRequest(f *testing.F) {
	wire, _ := questions(f)
	for _, data := range wire {
		f.Add(data)
	}
	f.Fuzz(checkWire)
}

func FuzzJSONRequest(f *testing.F) {
	_, text := questions(f)
	for _, data := range text {
		f.Add(data)
	}
	f.Fuzz(checkText)
}
