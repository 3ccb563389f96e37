package evalrpc

import (
	"encoding/binary"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/sidecar/internal/encoded"
)

// fieldValue is the field of the value in all responses.
const fieldValue = 1

// A kind is one of the types that can be asked for.
type kind struct {
	method string

	// fits says whether an answer has a value of the type.
	fits func(evaluator.Resolution) (ok bool, mistake *evaluator.Error)

	// wire appends the field that holds a value, and text the value as JSON.
	wire func(b []byte, a *encoded.Answer, value any) []byte
	text func(b []byte, a *encoded.Answer, value any) []byte

	// none is what version 1 says if there is no value: on the wire, where
	// zero values are left out, and as JSON, where they are not.
	none     []byte
	noneText string
}

// kinds returns the types. The functions get values that fit.
func kinds() []kind {
	return []kind{
		{
			method: "ResolveBoolean", fits: fits(evaluator.Resolution.Bool),
			wire: boolWire, text: valueText, noneText: "false",
		},
		{
			method: "ResolveString", fits: fits(evaluator.Resolution.Text),
			wire: stringWire, text: valueText, noneText: `""`,
		},
		{
			method: "ResolveFloat", fits: fits(evaluator.Resolution.Float),
			wire: floatWire, text: valueText, noneText: "0",
		},
		{
			method: "ResolveInt", fits: fits(evaluator.Resolution.Int),
			wire: intWire, text: intText, noneText: `"0"`,
		},
		{
			method: "ResolveObject", fits: fits(evaluator.Resolution.Object),
			wire: objectWire, text: valueText, none: []byte{fieldValue<<3 | byte(protowire.BytesType), 0}, noneText: "{}",
		},
	}
}

func fits[T any](
	read func(evaluator.Resolution) (T, bool, *evaluator.Error),
) func(evaluator.Resolution) (bool, *evaluator.Error) {
	return func(r evaluator.Resolution) (bool, *evaluator.Error) {
		_, ok, mistake := read(r)
		return ok, mistake
	}
}

func boolWire(b []byte, _ *encoded.Answer, value any) []byte {
	v, _ := value.(bool)
	return protowire.AppendVarint(protowire.AppendTag(b, fieldValue, protowire.VarintType), protowire.EncodeBool(v))
}

func stringWire(b []byte, _ *encoded.Answer, value any) []byte {
	v, _ := value.(string)
	return encoded.AppendString(b, fieldValue, v)
}

func floatWire(b []byte, _ *encoded.Answer, value any) []byte {
	v, _ := value.(float64)
	return binary.LittleEndian.AppendUint64(protowire.AppendTag(b, fieldValue, protowire.Fixed64Type), math.Float64bits(v))
}

func intWire(b []byte, _ *encoded.Answer, value any) []byte {
	v, _ := value.(float64)
	return protowire.AppendVarint(protowire.AppendTag(b, fieldValue, protowire.VarintType), uint64(int64(v))) //nolint:gosec // two's complement is the encoding
}

func objectWire(b []byte, a *encoded.Answer, _ any) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, fieldValue, protowire.BytesType), a.ValueWire)
}

func valueText(b []byte, a *encoded.Answer, _ any) []byte { return append(b, a.ValueJSON...) }

// intText writes a whole number as text, as protobuf has it for 64 bits.
func intText(b []byte, _ *encoded.Answer, value any) []byte {
	v, _ := value.(float64)
	return append(strconv.AppendInt(append(b, '"'), int64(v), 10), '"')
}
