package evalrpc

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/internal/reuse"
	"github.com/flagline/flagline/sidecar/internal/encoded"
)

// A reply is the response to a question about one flag. It is written as late as
// the form is known that is wanted.
type reply struct {
	kind    *kind
	dialect *dialect
	answer  *encoded.Answer
	value   any // nil if the caller's own default applies
	reason  string
	mark    string // that lets whoever asked keep the answer; or ""
}

// Mark implements [rpc.Marked].
func (r *reply) Mark() (name, value string) { return marked(r.mark) }

func marked(mark string) (name, value string) {
	if mark == "" {
		return "", ""
	}
	return reuse.Header, mark
}

// AppendWire implements [rpc.Message].
func (r *reply) AppendWire(b []byte) []byte {
	switch {
	case r.value != nil:
		b = r.kind.wire(b, r.answer, r.value)
		return append(b, r.answer.Wire...)
	case r.dialect.optional:
		return append(b, r.answer.Wire...)
	default:
		b = append(b, r.kind.none...)
		b = encoded.AppendString(b, 2, r.reason)
		return protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), r.answer.MetadataWire)
	}
}

// AppendText implements [rpc.Message].
func (r *reply) AppendText(b []byte) []byte {
	b = append(b, '{')
	switch {
	case r.value != nil:
		b = append(b, `"value":`...)
		b = r.kind.text(b, r.answer, r.value)
		b = append(append(b, ','), r.answer.JSON...)
	case r.dialect.optional:
		b = append(b, r.answer.JSON...)
	default:
		b = append(append(b, `"value":`...), r.kind.noneText...)
		b = append(append(b, `,"reason":"`...), r.reason...)
		b = append(append(b, `","variant":"","metadata":`...), r.answer.MetadataJSON...)
	}
	return append(b, '}')
}
