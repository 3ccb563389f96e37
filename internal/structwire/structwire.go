// Package structwire reads and writes google.protobuf.Struct, the form in which
// JSON objects travel in flagd's messages, as maps: without the messages that
// the protobuf library makes of each value on the way, which would cost several
// times what evaluating a flag costs.
//
// What is on the wire is what the library writes, and what is read is what its
// AsMap returns; tests hold both to it. Encodings that are legal but that nobody
// writes are left to the library.
package structwire

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// maxSized is how deep values may stand in each other before the library is
// asked: what is inside is measured again at each level, which it does not do.
const maxSized = 20

// Fields of Struct, of the entries of its map, of Value and of ListValue.
const (
	structFields = 1

	entryKey   = 1
	entryValue = 2

	valueNull   = 1
	valueNumber = 2
	valueString = 3
	valueBool   = 4
	valueStruct = 5
	valueList   = 6

	listValues = 1
)

// Append appends the Struct that says object, whose values are those that
// encoding/json decodes: nil, bool, float64, string, []any, map[string]any; or
// numbers of Go's other types, which become float64 (see [Number]). A value of
// any other type becomes null. Members come in no particular order.
func Append(b []byte, object map[string]any) []byte {
	if isDeep(object, maxSized) {
		return appendByLibrary(b, object)
	}
	return appendStruct(b, object)
}

// isDeep says whether values stand in each other deeper than that.
func isDeep(v any, limit int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			if limit == 0 || isDeep(member, limit-1) {
				return true
			}
		}
	case []any:
		for _, element := range v {
			if limit == 0 || isDeep(element, limit-1) {
				return true
			}
		}
	}
	return false
}

// Number returns the number that v is, if it is of one of Go's own types of whole
// numbers, or a float64: the one that encoding/json makes of it.
func Number(v any) (f float64, ok bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case uint32:
		return float64(v), true
	case uint:
		return float64(v), true
	case int16:
		return float64(v), true
	case uint16:
		return float64(v), true
	case int8:
		return float64(v), true
	case uint8:
		return float64(v), true
	}
	return 0, false
}

func appendByLibrary(b []byte, object map[string]any) []byte {
	message, err := structpb.NewStruct(object)
	if err != nil {
		return b // unreachable: it knows all values that JSON has, and Go's numbers
	}
	whole, err := proto.MarshalOptions{}.MarshalAppend(b, message)
	if err != nil {
		return b // unreachable, for the same reason
	}
	return whole
}

func appendStruct(b []byte, object map[string]any) []byte {
	for key, value := range object {
		b = protowire.AppendTag(b, structFields, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(entrySize(key, value))) //nolint:gosec // a size
		b = protowire.AppendTag(b, entryKey, protowire.BytesType)
		b = protowire.AppendString(b, key)
		b = protowire.AppendTag(b, entryValue, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(sizeOfValue(value))) //nolint:gosec // a size
		b = appendValue(b, value)
	}
	return b
}

// Size returns how many bytes [Append] appends, or 0 if that is for the library to
// say.
func Size(object map[string]any) (size int) {
	if isDeep(object, maxSized) {
		return 0
	}
	return sizeOfStruct(object)
}

func sizeOfStruct(object map[string]any) (size int) {
	for key, value := range object {
		size += protowire.SizeTag(structFields) + protowire.SizeBytes(entrySize(key, value))
	}
	return size
}

func entrySize(key string, value any) int {
	return protowire.SizeTag(entryKey) + protowire.SizeBytes(len(key)) +
		protowire.SizeTag(entryValue) + protowire.SizeBytes(sizeOfValue(value))
}

func sizeOfList(list []any) (size int) {
	for _, element := range list {
		size += protowire.SizeTag(listValues) + protowire.SizeBytes(sizeOfValue(element))
	}
	return size
}

func sizeOfValue(v any) int {
	const tag = 1 // byte, for each of the fields
	switch v := v.(type) {
	case string:
		return tag + protowire.SizeBytes(len(v))
	case nil, bool:
		return tag + 1
	case map[string]any:
		return tag + protowire.SizeBytes(sizeOfStruct(v))
	case []any:
		return tag + protowire.SizeBytes(sizeOfList(v))
	}
	if _, ok := Number(v); ok {
		return tag + protowire.SizeFixed64()
	}
	return tag + 1 // null
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		b = protowire.AppendTag(b, valueBool, protowire.VarintType)
		return protowire.AppendVarint(b, protowire.EncodeBool(v))
	case string:
		b = protowire.AppendTag(b, valueString, protowire.BytesType)
		return protowire.AppendString(b, v)
	case map[string]any:
		b = protowire.AppendTag(b, valueStruct, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(sizeOfStruct(v))) //nolint:gosec // a size
		return appendStruct(b, v)
	case []any:
		b = protowire.AppendTag(b, valueList, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(sizeOfList(v))) //nolint:gosec // a size
		for _, element := range v {
			b = protowire.AppendTag(b, listValues, protowire.BytesType)
			b = protowire.AppendVarint(b, uint64(sizeOfValue(element))) //nolint:gosec // a size
			b = appendValue(b, element)
		}
		return b
	}
	if f, ok := Number(v); ok {
		b = protowire.AppendTag(b, valueNumber, protowire.Fixed64Type)
		return protowire.AppendFixed64(b, math.Float64bits(f))
	}
	b = protowire.AppendTag(b, valueNull, protowire.VarintType)
	return protowire.AppendVarint(b, 0)
}
