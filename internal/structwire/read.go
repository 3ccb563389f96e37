package structwire

import (
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxDepth is how deep values may stand in each other before the library is
// asked, which has a limit of its own.
const maxDepth = 100

// Read returns the object that data, an encoded Struct, says. It shares no
// memory with data. The errors are the library's.
func Read(data []byte) (map[string]any, error) {
	if object, ok := readStruct(data, 0); ok {
		return object, nil
	}
	message := new(structpb.Struct)
	if err := proto.Unmarshal(data, message); err != nil {
		return nil, fmt.Errorf("read a google.protobuf.Struct: %w", err)
	}
	return message.AsMap(), nil
}

// The functions below are not ok if data is mistaken, or unusual.

func readStruct(data []byte, depth int) (object map[string]any, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	object = make(map[string]any, countFields(data))
	for len(data) > 0 {
		entry, rest, ok := field(data, structFields)
		if !ok {
			return nil, false
		}
		data = rest
		key, rest, ok := field(entry, entryKey)
		if !ok || !utf8.Valid(key) {
			return nil, false
		}
		value, rest, ok := field(rest, entryValue)
		if !ok || len(rest) > 0 {
			return nil, false
		}
		v, ok := readValue(value, depth)
		if !ok {
			return nil, false
		}
		object[string(key)] = v
	}
	return object, true
}

// countFields is how many entries data has, if it is sound.
func countFields(data []byte) (count int) {
	for len(data) > 0 {
		_, rest, ok := field(data, structFields)
		if !ok {
			break
		}
		count++
		data = rest
	}
	return count
}

// field takes the field with that number, of bytes, off data.
func field(data []byte, number protowire.Number) (content, rest []byte, ok bool) {
	if len(data) == 0 || data[0] != byte(number)<<3|byte(protowire.BytesType) { //nolint:gosec // small
		return nil, nil, false
	}
	content, n := protowire.ConsumeBytes(data[1:])
	if n < 0 {
		return nil, nil, false
	}
	return content, data[1+n:], true
}

// readValue reads a Value that has one field, as all have.
func readValue(data []byte, depth int) (v any, ok bool) {
	number, kind, n := protowire.ConsumeTag(data)
	if n != 1 {
		return nil, false
	}
	data = data[n:]
	switch {
	case number == valueNumber && kind == protowire.Fixed64Type:
		bits, n := protowire.ConsumeFixed64(data)
		f := math.Float64frombits(bits)
		// AsMap has words for what JSON has no number for.
		return f, n == len(data) && !math.IsNaN(f) && !math.IsInf(f, 0)
	case kind == protowire.VarintType && (number == valueNull || number == valueBool):
		bits, n := protowire.ConsumeVarint(data)
		if n != len(data) || bits > 1 || number == valueNull && bits > 0 {
			return nil, false
		}
		if number == valueNull {
			return nil, true
		}
		return bits == 1, true
	case kind != protowire.BytesType:
		return nil, false
	}
	content, n := protowire.ConsumeBytes(data)
	if n != len(data) {
		return nil, false
	}
	switch number {
	case valueString:
		return string(content), utf8.Valid(content)
	case valueStruct:
		return readStruct(content, depth+1)
	case valueList:
		return readList(content, depth+1)
	}
	return nil, false
}

func readList(data []byte, depth int) (list []any, ok bool) {
	if depth > maxDepth {
		return nil, false
	}
	list = make([]any, 0, countFields(data)) // both have but one field, number 1
	for len(data) > 0 {
		content, rest, ok := field(data, listValues)
		if !ok {
			return nil, false
		}
		v, ok := readValue(content, depth)
		if !ok {
			return nil, false
		}
		list, data = append(list, v), rest
	}
	return list, true
}
