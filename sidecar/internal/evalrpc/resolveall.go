package evalrpc

import (
	"context"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/rpc"
	"github.com/flagline/flagline/sidecar/internal/scope"
	"github.com/flagline/flagline/sidecar/internal/structwire"
)

// replies is the response to a question about all flags.
type replies struct {
	list     []encodedReply
	metadata map[string]any // nil if the dialect has no field for it
}

type encodedReply struct {
	key    string
	answer *encoded.Answer
	value  any
}

// resolveAll answers every flag that the selector shows, except those whose
// value version 1 cannot carry: arrays, and no value at all. A flag that is
// disabled or cannot be resolved is there, with its reason and no value.
func (s *Service) resolveAll(
	ctx context.Context, d *dialect, headers rpc.Headers, q *every,
) (*replies, error) {
	defer d.span(ctx, "ResolveAll", headers).End()
	sel, err := selector(headers)
	if err != nil {
		return nil, err
	}
	ec := s.context(d, q.context, headers)
	all := new(replies)
	if !d.lenient {
		all.metadata = scope.Metadata(sel)
	}
	for key, flag := range s.Store.Current().Flags(sel) {
		r := flag.Evaluate(ec)
		answer := encoded.Of(flag, s.Counts).Answer(&r)
		answer.Count.Bulk()
		if carried(&r) {
			all.list = append(all.list, encodedReply{key, answer, r.Value})
		}
	}
	return all, nil
}

func carried(r *evaluator.Resolution) bool {
	switch r.Value.(type) {
	case bool, string, float64, map[string]any:
		return true
	case nil:
		return r.Reason == evaluator.ReasonDisabled || r.Reason == evaluator.ReasonError
	}
	return false
}

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
	b = encoded.AppendString(b, anyReason, string(r.answer.Reason))
	b = encoded.AppendString(b, anyVariant, r.answer.Variant)
	switch v := r.value.(type) {
	case bool:
		b = protowire.AppendVarint(protowire.AppendTag(b, anyBool, protowire.VarintType), protowire.EncodeBool(v))
	case string:
		b = encoded.AppendString(b, anyString, v)
	case float64:
		b = protowire.AppendFixed64(protowire.AppendTag(b, anyDouble, protowire.Fixed64Type), math.Float64bits(v))
	case map[string]any:
		b = protowire.AppendBytes(protowire.AppendTag(b, anyObject, protowire.BytesType), r.answer.ValueWire)
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
	b = append(append(b, `{"reason":`...), encoded.Text(string(r.answer.Reason))...)
	b = append(append(b, `,"variant":`...), encoded.Text(r.answer.Variant)...)
	if r.value != nil {
		name := ""
		switch r.value.(type) {
		case bool:
			name = "boolValue"
		case string:
			name = "stringValue"
		case float64:
			name = "doubleValue"
		default:
			name = "objectValue"
		}
		b = append(append(b, `,"`...), name...)
		b = append(append(b, `":`...), r.answer.ValueJSON...)
	}
	b = append(append(b, `,"metadata":`...), r.answer.MetadataJSON...)
	return append(b, '}')
}
