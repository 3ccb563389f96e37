package remote

import (
	"reflect"
	"testing"

	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	eval "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestQuestionIsWhatFlagdReads(t *testing.T) {
	deep := map[string]any{}
	for range 50 {
		deep = map[string]any{"d": []any{deep}}
	}
	for _, ec := range []map[string]any{
		nil,
		{},
		{"targetingKey": "user-7", "age": 31, "beta": true, "gone": nil, "tags": []any{"a", 2.5}},
		deep,
	} {
		q := question{flag: "new-checkout", context: ec}
		m := new(eval.ResolveBooleanRequest)
		if err := proto.Unmarshal(q.append(make([]byte, 0, q.size())), m); err != nil {
			t.Fatal(err)
		}
		want, err := structpb.NewStruct(ec)
		if err != nil {
			t.Fatal(err)
		}
		if m.GetFlagKey() != q.flag || !proto.Equal(m.GetContext(), want) {
			t.Errorf("flagd reads %v", m)
		}
	}
}

func TestAnswersOfAllKindsAreRead(t *testing.T) {
	metadata, err := structpb.NewStruct(map[string]any{"team": "shop"})
	if err != nil {
		t.Fatal(err)
	}
	object, err := structpb.NewStruct(map[string]any{"n": 1.0, "l": []any{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	variant := "v"
	for _, row := range []struct {
		kind    Kind
		message proto.Message
		want    any
	}{
		{Boolean, &eval.ResolveBooleanResponse{Value: new(true), Reason: "STATIC", Variant: &variant, Metadata: metadata}, true},
		{Boolean, &eval.ResolveBooleanResponse{Value: new(false), Reason: "STATIC", Variant: &variant, Metadata: metadata}, false},
		{String, &eval.ResolveStringResponse{Value: new("é"), Reason: "STATIC", Variant: &variant, Metadata: metadata}, "é"},
		{Float, &eval.ResolveFloatResponse{Value: new(-0.5), Reason: "STATIC", Variant: &variant, Metadata: metadata}, -0.5},
		{Int, &eval.ResolveIntResponse{Value: new(int64(-3)), Reason: "STATIC", Variant: &variant, Metadata: metadata}, -3.0},
		{Object, &eval.ResolveObjectResponse{Value: object, Reason: "STATIC", Variant: &variant, Metadata: metadata}, object.AsMap()},
		{Object, &eval.ResolveObjectResponse{Reason: "STATIC", Variant: &variant, Metadata: metadata}, nil},
	} {
		data, err := proto.Marshal(row.message)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, 0x7a, 2, 'h', 'i') // a field of a later version
		a := answer{kind: row.kind}
		if err := a.read(data); err != nil {
			t.Errorf("kind %d: %v", row.kind, err)
		}
		if !reflect.DeepEqual(a.value, row.want) || a.reason != "STATIC" || a.variant != "v" || a.metadata["team"] != "shop" {
			t.Errorf("kind %d is read as %+v, want %v", row.kind, a, row.want)
		}
	}
}

func TestValueOfAnotherKindIsAnError(t *testing.T) {
	data, err := proto.Marshal(&eval.ResolveStringResponse{Value: new("x")})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []Kind{Boolean, Float, Int} {
		a := answer{kind: kind}
		if err := a.read(data); err == nil {
			t.Errorf("kind %d reads a string as %v", kind, a.value)
		}
	}
}

// What the library reads from an answer, this package reads as well, and alike.
func FuzzAnswer(f *testing.F) {
	for _, m := range []proto.Message{
		&evalv1.ResolveStringResponse{Value: "x", Reason: "STATIC", Variant: "v"},
		&eval.ResolveStringResponse{Reason: "DISABLED"},
	} {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(eval.ResolveStringResponse)
		a := answer{kind: String}
		err := a.read(data)
		if proto.Unmarshal(data, m) != nil {
			return // we may be more lenient, but must come back
		}
		if err != nil {
			// Fields of another type than they should have are unknown ones to
			// the library, which skips them.
			if len(m.ProtoReflect().GetUnknown()) == 0 {
				t.Fatalf("we read %x not at all: %v", data, err)
			}
			return
		}
		if text, _ := a.value.(string); len(m.ProtoReflect().GetUnknown()) == 0 &&
			(text != m.GetValue() || a.reason != m.GetReason() || a.variant != m.GetVariant()) {
			t.Fatalf("we read %x as %+v, the library as %v", data, a, m)
		}
	})
}

func FuzzEvent(f *testing.F) {
	data, err := proto.Marshal(&eval.EventStreamResponse{Type: Changed})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m := new(eval.EventStreamResponse)
		var e Event
		if err := e.read(data); err != nil || proto.Unmarshal(data, m) != nil || len(m.ProtoReflect().GetUnknown()) > 0 {
			return
		}
		if e.Type != m.GetType() {
			t.Fatalf("we read %x as %+v, the library as %v", data, e, m)
		}
	})
}
