package evalrpc

import (
	"context"
	"math"
	"reflect"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/structwire"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/scope"
)

// replies is the response to a question about all flags.
type replies struct {
	list     []encodedReply
	metadata map[string]any // nil if the dialect has no field for it
}

// An encodedReply is about one flag. Its value is never nil.
type encodedReply struct {
	key             string
	value           any
	variant, reason string
	answer          *encoded.Answer // whose value it is, unless there is none
}

// errNotReady is better than to answer that there are no more flags than these.
var errNotReady = &rpc.Refusal{
	Code: connect.CodeUnavailable, Text: "not every source of flags has delivered yet; try again",
}

// resolveAll answers every flag that the selector shows. As in flagd, the default
// variant decides which type is asked for: flags without one are left out, and
// those of arrays, and whoever has no value of that type is given its zero value.
func (s *Service) resolveAll(
	ctx context.Context, d *dialect, headers rpc.Headers, q *every,
) (*replies, error) {
	defer d.span(ctx, "ResolveAll", headers).End()
	sel, err := selector(headers)
	if err != nil {
		return nil, err
	}
	if !s.Store.Ready() {
		return nil, errNotReady
	}
	ec := s.context(d, q.context, headers)
	all := new(replies)
	if !d.lenient {
		all.metadata = scope.Metadata(sel)
	}
	for key, flag := range s.Store.Current().Flags(sel) {
		zero, ok := zeroOf(flag.Default())
		if !ok {
			continue
		}
		r := flag.Evaluate(ec)
		answer := encoded.Of(flag, s.Counts).Answer(&r)
		answer.Count.Bulk()
		reply := encodedReply{key, r.Value, r.Variant, string(r.Reason), answer}
		if r.Value == nil {
			reply.value = zero
		} else if !sameType(r.Value, zero) {
			reply.value, reply.reason = zero, string(evaluator.ReasonError)
		}
		all.list = append(all.list, reply)
	}
	return all, nil
}

// zeroOf returns the zero value of a type that version 1 can carry.
func zeroOf(value any) (zero any, ok bool) {
	switch value.(type) {
	case bool:
		return false, true
	case string:
		return "", true
	case float64:
		return 0.0, true
	case map[string]any:
		return map[string]any{}, true
	}
	return nil, false
}

func sameType(value, zero any) bool { return reflect.TypeOf(value) == reflect.TypeOf(zero) }

// Fields of ResolveAllResponse, of the entries of its map, and of AnyFlag.
const (
	allFlags    = 1
	allMetadata = 2

	entryKey   = 1
	entryValue = 2

	anyReason   = 1
	anyVariant  = 2
	anyBool     = 3
	anyString   = 4
	anyDouble   = 5
	anyObject   = 6
	anyMetadata = 7
)

// AppendWire implements [rpc.Message].
func (all *replies) AppendWire(b []byte) []byte {
	var flag, entry []byte
	for i := range all.list {
		r := &all.list[i]
		flag = r.appendWire(flag[:0])
		entry = encoded.AppendString(entry[:0], entryKey, r.key)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, entryValue, protowire.BytesType), flag)
		b = protowire.AppendBytes(protowire.AppendTag(b, allFlags, protowire.BytesType), entry)
	}
	if all.metadata != nil {
		b = protowire.AppendTag(b, allMetadata, protowire.BytesType)
		b = protowire.AppendBytes(b, structwire.Append(nil, all.metadata))
	}
	return b
}

func (r *encodedReply) appendWire(b []byte) []byte {
	b = encoded.AppendString(b, anyReason, r.reason)
	b = encoded.AppendString(b, anyVariant, r.variant)
	switch v := r.value.(type) {
	case bool:
		b = protowire.AppendVarint(protowire.AppendTag(b, anyBool, protowire.VarintType), protowire.EncodeBool(v))
	case string:
		b = encoded.AppendString(b, anyString, v)
	case float64:
		b = protowire.AppendFixed64(protowire.AppendTag(b, anyDouble, protowire.Fixed64Type), math.Float64bits(v))
	case map[string]any:
		b = protowire.AppendTag(b, anyObject, protowire.BytesType)
		if len(v) == 0 { // the zero value, most likely: there is none of it in answer
			b = protowire.AppendBytes(b, nil)
		} else {
			b = protowire.AppendBytes(b, r.answer.ValueWire)
		}
	}
	return protowire.AppendBytes(protowire.AppendTag(b, anyMetadata, protowire.BytesType), r.answer.MetadataWire)
}

// AppendText implements [rpc.Message].
func (all *replies) AppendText(b []byte) []byte {
	b = append(b, `{"flags":{`...)
	for i := range all.list {
		r := &all.list[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, encoded.Text(r.key)...), ':')
		b = r.appendText(b)
	}
	b = append(b, '}')
	if all.metadata != nil {
		b = append(append(b, `,"metadata":`...), encoded.Text(all.metadata)...)
	}
	return append(b, '}')
}

func (r *encodedReply) appendText(b []byte) []byte {
	b = append(append(b, `{"reason":`...), encoded.Text(r.reason)...)
	b = append(append(b, `,"variant":`...), encoded.Text(r.variant)...)
	b = append(append(append(b, `,"`...), memberOf(r.value)...), `":`...)
	if v, ok := r.value.(map[string]any); ok && len(v) > 0 {
		b = append(b, r.answer.ValueJSON...)
	} else {
		b = append(b, encoded.Text(r.value)...)
	}
	b = append(append(b, `,"metadata":`...), r.answer.MetadataJSON...)
	return append(b, '}')
}

// memberOf returns the name of the member of AnyFlag that holds such a value.
func memberOf(value any) string {
	switch value.(type) {
	case bool:
		return "boolValue"
	case string:
		return "stringValue"
	case float64:
		return "doubleValue"
	default:
		return "objectValue"
	}
}
