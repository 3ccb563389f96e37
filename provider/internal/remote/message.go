package remote

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flagline/flagline/internal/structwire"
)

// Fields of the messages of flagd.evaluation, of both versions.
const (
	questionFlag    = 1
	questionContext = 2

	answerValue    = 1
	answerReason   = 2
	answerVariant  = 3
	answerMetadata = 4

	eventType = 1
	eventData = 2
)

var (
	errMalformed = errors.New("the server's message is malformed")
	errForeign   = errors.New("this is no message of ours")
)

// A codec reads and writes the messages of this package for grpc-go.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *question:
		return mem.BufferSlice{mem.SliceBuffer(m.append(make([]byte, 0, m.size())))}, nil
	case nothing:
		return nil, nil
	}
	return nil, fmt.Errorf("write a %T: %w", v, errForeign)
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(interface{ read(data []byte) error })
	if !ok {
		return fmt.Errorf("read a %T: %w", v, errForeign)
	}
	if len(data) == 1 {
		return m.read(data[0].ReadOnlyData())
	}
	return m.read(data.Materialize())
}

// nothing is a request that says nothing.
type nothing struct{}

// A question is a request about one flag.
type question struct {
	flag    string
	context map[string]any

	measured int    // how many bytes the context has on the wire
	written  []byte // these, if they had to be written to know
}

// size is how many bytes the question has on the wire.
func (q *question) size() int {
	return protowire.SizeTag(questionFlag) + protowire.SizeBytes(len(q.flag)) +
		protowire.SizeTag(questionContext) + protowire.SizeBytes(q.contextSize())
}

// contextSize is how many bytes the context has.
func (q *question) contextSize() int {
	q.measured = structwire.Size(q.context)
	if q.measured == 0 && len(q.context) > 0 {
		q.written = structwire.Append(nil, q.context)
		q.measured = len(q.written)
	}
	return q.measured
}

// append appends the question, of which [question.size] was asked before.
func (q *question) append(b []byte) []byte {
	b = protowire.AppendTag(b, questionFlag, protowire.BytesType)
	b = protowire.AppendString(b, q.flag)
	b = protowire.AppendTag(b, questionContext, protowire.BytesType)
	if q.written != nil {
		return protowire.AppendBytes(b, q.written)
	}
	b = protowire.AppendVarint(b, uint64(q.measured)) //nolint:gosec // a size
	return structwire.Append(b, q.context)
}

// An answer is a response about one flag.
type answer struct {
	kind     Kind
	value    any // nil if there is none
	reason   string
	variant  string
	metadata map[string]any
}

// read reads an answer. Values of booleans and numbers that are not there are
// zero in version 1, and none in version 2; the caller knows which it spoke.
func (a *answer) read(data []byte) error {
	return fields(data, func(number protowire.Number, f field) (err error) {
		switch number {
		case answerValue:
			a.value, err = a.kind.value(f)
		case answerReason:
			a.reason, err = f.text()
		case answerVariant:
			a.variant, err = f.text()
		case answerMetadata:
			if a.metadata, err = f.object(); len(a.metadata) == 0 {
				a.metadata = nil // the SDK copies what is there
			}
		}
		return err
	})
}

// An Event is what an event stream says.
type Event struct {
	Type string
	Data map[string]any

	// Mark is what the first event of a stream is marked with, if it is: see
	// package reuse.
	Mark string
}

func (e *Event) read(data []byte) error {
	return fields(data, func(number protowire.Number, f field) (err error) {
		switch number {
		case eventType:
			e.Type, err = f.text()
		case eventData:
			e.Data, err = f.object()
		}
		return err
	})
}

// A field is the content of one field of a message.
type field struct {
	kind  protowire.Type
	bits  uint64
	bytes []byte
}

func (f field) text() (string, error) {
	if f.kind != protowire.BytesType {
		return "", errMalformed
	}
	return string(f.bytes), nil
}

func (f field) object() (map[string]any, error) {
	if f.kind != protowire.BytesType {
		return nil, errMalformed
	}
	return structwire.Read(f.bytes)
}

// fields calls take for each field of a message.
func fields(data []byte, take func(protowire.Number, field) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errMalformed
		}
		data = data[n:]
		f := field{kind: kind}
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(data)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, data)
		}
		if n < 0 {
			return errMalformed
		}
		if err := take(number, f); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// A Kind is a type of values that can be asked for.
type Kind uint8

// The kinds of values, and what Go type each has in an [Answer].
const (
	Boolean Kind = iota // bool
	String              // string
	Float               // float64
	Int                 // float64: the evaluator knows one type of numbers
	Object              // map[string]any
)

func (k Kind) method() string {
	switch k {
	case Boolean:
		return "ResolveBoolean"
	case String:
		return "ResolveString"
	case Float:
		return "ResolveFloat"
	case Int:
		return "ResolveInt"
	default:
		return "ResolveObject"
	}
}

func (k Kind) value(f field) (any, error) {
	switch {
	case k == Boolean && f.kind == protowire.VarintType:
		return protowire.DecodeBool(f.bits), nil
	case k == String && f.kind == protowire.BytesType:
		return string(f.bytes), nil
	case k == Float && f.kind == protowire.Fixed64Type:
		return math.Float64frombits(f.bits), nil
	case k == Int && f.kind == protowire.VarintType:
		return float64(int64(f.bits)), nil //nolint:gosec // two's complement is the encoding
	case k == Object && f.kind == protowire.BytesType:
		return structwire.Read(f.bytes)
	}
	return nil, errMalformed
}

// zero is the value that is left out on the wire where values are not optional.
func (k Kind) zero() any {
	switch k {
	case Boolean:
		return false
	case String:
		return ""
	case Float, Int:
		return 0.0
	default:
		return map[string]any{}
	}
}
