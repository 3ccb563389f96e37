package encoded

import "google.golang.org/protobuf/encoding/protowire"

// Fields of the responses of both versions of flagd's evaluation service.
const (
	fieldReason   = 2
	fieldVariant  = 3
	fieldMetadata = 4
)

// encodeRPC writes what the responses to a question of any type have in common.
func (a *Answer) encodeRPC() {
	b := AppendString(nil, fieldReason, string(a.Reason))
	if a.ValueJSON != nil {
		b = AppendString(b, fieldVariant, a.Variant)
	}
	b = protowire.AppendTag(b, fieldMetadata, protowire.BytesType)
	a.Wire = protowire.AppendBytes(b, a.MetadataWire)

	j := append([]byte(`"reason":`), Text(string(a.Reason))...)
	if a.ValueJSON != nil {
		j = append(j, `,"variant":`...)
		j = append(j, Text(a.Variant)...)
	}
	j = append(j, `,"metadata":`...)
	a.JSON = append(j, a.MetadataJSON...)
}

// AppendString appends a field that holds text.
func AppendString(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}
