package syncrpc

import (
	syncv1 "buf.build/gen/go/open-feature/flagd/protocolbuffers/go/flagd/sync/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flagline/flagline/internal/structwire"
	"github.com/flagline/flagline/sidecar/internal/encoded"
)

// A request is that of all methods: they have the same fields, or none.
type request struct{ providerID, selector string }

// ReadWire implements [rpc.Request].
func (q *request) ReadWire(data []byte) error {
	m := new(syncv1.SyncFlagsRequest)
	err := proto.Unmarshal(data, m)
	q.providerID, q.selector = m.GetProviderId(), m.GetSelector() //nolint:staticcheck // which old clients use
	return err
}

// ReadText implements [rpc.Request].
func (q *request) ReadText(data []byte) error {
	m := new(syncv1.SyncFlagsRequest)
	err := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
	q.providerID, q.selector = m.GetProviderId(), m.GetSelector() //nolint:staticcheck // which old clients use
	return err
}

// Fields of the responses.
const (
	flagsConfiguration = 1
	flagsContext       = 2
	metadataContext    = 2
)

// flags is the response that holds a document, on a stream with the context that
// goes with it.
type flags struct {
	document *document
	context  map[string]any
	stream   bool
}

// Wire implements [rpc.Ready]: the document is not copied for each stream.
func (f *flags) Wire() [][]byte {
	head := protowire.AppendTag(nil, flagsConfiguration, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(f.document.text)))
	pieces := [][]byte{head, f.document.text}
	if f.stream {
		pieces = append(pieces, appendStruct(nil, flagsContext, f.context))
	}
	return pieces
}

// AppendWire implements [rpc.Message].
func (f *flags) AppendWire(b []byte) []byte {
	for _, piece := range f.Wire() {
		b = append(b, piece...)
	}
	return b
}

// AppendText implements [rpc.Message].
func (f *flags) AppendText(b []byte) []byte {
	b = append(append(b, `{"flagConfiguration":`...), encoded.Text(string(f.document.text))...)
	if f.stream {
		b = append(append(b, `,"syncContext":`...), encoded.Object(f.context)...)
	}
	return append(b, '}')
}

// metadata is the response of GetMetadata.
type metadata struct{ context map[string]any }

// AppendWire implements [rpc.Message].
func (m *metadata) AppendWire(b []byte) []byte { return appendStruct(b, metadataContext, m.context) }

// AppendText implements [rpc.Message].
func (m *metadata) AppendText(b []byte) []byte {
	return append(append(append(b, `{"metadata":`...), encoded.Object(m.context)...), '}')
}

func appendStruct(b []byte, field protowire.Number, object map[string]any) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, structwire.Append(nil, object))
}
