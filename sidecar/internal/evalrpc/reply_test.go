package evalrpc

import (
	"context"
	"net/http"
	"strings"
	"testing"

	evalv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v1"
	evalv2 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/evaluation/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/flagtest"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// odd are flags whose values are hard to write.
const odd = `{
	"metadata": {"flagSetId": "odd \"set\" <&>", "weight": 1.5, "on": true},
	"flags": {
		"no":     {"state": "ENABLED", "variants": {"off": false}, "defaultVariant": "off"},
		"empty":  {"state": "ENABLED", "variants": {"": "x", "e": ""}, "defaultVariant": "e"},
		"quoted": {"state": "ENABLED", "variants": {"\"q\" <b>": "a\u0000\"\\\n\u2028é<&>"}, "defaultVariant": "\"q\" <b>"},
		"zero":   {"state": "ENABLED", "variants": {"z": 0}, "defaultVariant": "z"},
		"minus":  {"state": "ENABLED", "variants": {"m": -7.9}, "defaultVariant": "m"},
		"huge":   {"state": "ENABLED", "variants": {"h": 1e21}, "defaultVariant": "h"},
		"tiny":   {"state": "ENABLED", "variants": {"t": 5e-324}, "defaultVariant": "t"},
		"object": {"state": "ENABLED", "variants": {"o": {"a": [1, "x", null, {"b": false}], "": {}}}, "defaultVariant": "o"},
		"hollow": {"state": "ENABLED", "variants": {"o": {}}, "defaultVariant": "o"},
		"off":    {"state": "DISABLED", "variants": {"o": true}, "defaultVariant": "o"},
		"none":   {"state": "ENABLED", "variants": {"o": true}},
		"list":   {"state": "ENABLED", "variants": {"l": [1]}, "defaultVariant": "l"}
	}
}`

// responses returns an empty generated message for the answers of d to k.
func responses(d *dialect, k *kind) proto.Message {
	if d.optional {
		return map[string]proto.Message{
			"ResolveBoolean": new(evalv2.ResolveBooleanResponse), "ResolveString": new(evalv2.ResolveStringResponse),
			"ResolveFloat": new(evalv2.ResolveFloatResponse), "ResolveInt": new(evalv2.ResolveIntResponse),
			"ResolveObject": new(evalv2.ResolveObjectResponse),
		}[k.method]
	}
	return map[string]proto.Message{
		"ResolveBoolean": new(evalv1.ResolveBooleanResponse), "ResolveString": new(evalv1.ResolveStringResponse),
		"ResolveFloat": new(evalv1.ResolveFloatResponse), "ResolveInt": new(evalv1.ResolveIntResponse),
		"ResolveObject": new(evalv1.ResolveObjectResponse),
	}[k.method]
}

func oddService(t *testing.T) *Service {
	st, _ := flagtest.Store(t, odd)
	return &Service{Store: st, Counts: tally.New()}
}

func TestBothFormsOfEachAnswerSayTheSame(t *testing.T) {
	s, answered := oddService(t), 0
	for _, d := range dialects() {
		for _, k := range kinds() {
			for key := range s.Store.Current().Flags(store.Selector{}) {
				r, err := s.resolve(t.Context(), &d, &k, http.Header{}, &question{key: key})
				if err != nil {
					continue // of another type
				}
				answered++
				wire, text := responses(&d, &k), responses(&d, &k)
				checkForms(t, r, wire, text)
				checkFields(t, d.optional, r, wire.ProtoReflect())
			}
		}
	}
	if answered < 60 {
		t.Errorf("there were but %d answers", answered)
	}
}

// checkForms reads both forms of a message with the library.
func checkForms(t *testing.T, m rpc.Message, wire, text proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(m.AppendWire(nil), wire); err != nil {
		t.Fatalf("the library cannot read the answer: %v", err)
	}
	written := m.AppendText(nil)
	if err := protojson.Unmarshal(written, text); err != nil {
		t.Fatalf("the library cannot read the answer %s: %v", written, err)
	}
	if !proto.Equal(wire, text) {
		t.Errorf("the answer says %v on the wire and %v as JSON", wire, text)
	}
	if unknown := wire.ProtoReflect().GetUnknown(); len(unknown) > 0 {
		t.Errorf("the answer has fields that nobody knows: %x", unknown)
	}
}

// checkFields compares an answer with what was resolved.
func checkFields(t *testing.T, optional bool, r *reply, m protoreflect.Message) {
	t.Helper()
	fields := m.Descriptor().Fields()
	if got := m.Get(fields.ByName("reason")).String(); got != r.reason {
		t.Errorf("the reason is %q, want %q", got, r.reason)
	}
	value := fields.ByName("value")
	if has := m.Has(value); optional && has != (r.value != nil) {
		t.Errorf("the answer has a value: %v, want %v", has, r.value != nil)
	}
	switch want := r.value.(type) {
	case bool:
		if got := m.Get(value).Bool(); got != want {
			t.Errorf("the value is %v, want %v", got, want)
		}
	case string:
		if got := m.Get(value).String(); got != want {
			t.Errorf("the value is %q, want %q", got, want)
		}
	case float64:
		if value.Kind() == protoreflect.DoubleKind && m.Get(value).Float() != want ||
			value.Kind() == protoreflect.Int64Kind && m.Get(value).Int() != int64(want) {
			t.Errorf("the value is %v, want %v", m.Get(value), want)
		}
	}
}

func TestAllAnswersAtOnceSayTheSameInBothForms(t *testing.T) {
	s := oddService(t)
	d := dialects()[0]
	all, err := s.resolveAll(context.Background(), &d, http.Header{"Flagd-Selector": {"source=" + flagtest.Source}}, new(every))
	if err != nil {
		t.Fatal(err)
	}
	wire, text := new(evalv1.ResolveAllResponse), new(evalv1.ResolveAllResponse)
	checkForms(t, all, wire, text)
	flags := wire.GetFlags()
	if len(flags) != 10 || flags["quoted"].GetStringValue() != "a\x00\"\\\n\u2028é<&>" || flags["tiny"].GetDoubleValue() != 5e-324 ||
		flags["off"].GetReason() != "DISABLED" || flags["hollow"].GetObjectValue() == nil {
		t.Errorf("the answers are %v", flags)
	}
	if got := wire.GetMetadata().AsMap()["source"]; got != flagtest.Source {
		t.Errorf("the selector is told back as %v", got)
	}
}

func TestEventsSayTheSameInBothForms(t *testing.T) {
	for _, e := range []*event{
		new(Service).ready(), eventKeepAlive, eventShutdown,
		newEvent("configuration_change", map[string]any{"flags": map[string]any{"a \"b\"": map[string]any{"type": "write"}}}),
	} {
		checkForms(t, e, new(evalv1.EventStreamResponse), new(evalv1.EventStreamResponse))
		if string(e.Wire()[0]) != string(e.AppendWire(nil)) {
			t.Error("an event is sent otherwise than it is written")
		}
	}
}

func TestAnsweringAllocatesLittle(t *testing.T) {
	s := oddService(t)
	d, k := dialects()[1], kinds()[0]
	q, headers, room := &question{key: "no"}, http.Header{}, make([]byte, 0, 1000)
	answer := func() {
		r, err := s.resolve(t.Context(), &d, &k, headers, q)
		if err != nil {
			t.Fatal(err)
		}
		room = r.AppendWire(room[:0])
	}
	answer()
	// The reply, and the context that a request without one is given.
	if got := testing.AllocsPerRun(1000, answer); got > 2 {
		t.Errorf("an answer takes %v allocations, want at most 2", got)
	}
}

func TestTheNameOfAServiceIsThatOfItsMessages(t *testing.T) {
	for i, m := range []proto.Message{new(evalv1.ResolveAllRequest), new(evalv2.ResolveBooleanRequest)} {
		if want := string(m.ProtoReflect().Descriptor().ParentFile().Package()); !strings.HasPrefix(dialects()[i].service, want+".") {
			t.Errorf("service %d is %s, want it in %s", i, dialects()[i].service, want)
		}
	}
}
