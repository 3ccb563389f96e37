package rpc

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// Ready is a [Message] that is there already, as protobuf, in pieces that are
// never changed: it is sent without being copied for each who gets it.
type Ready interface {
	Message

	Wire() [][]byte
}

var errForeign = errors.New("this is no message of ours")

// A codec reads and writes messages for connect-go.
type codec struct {
	name string
	text bool
}

func (c codec) Name() string { return c.name }

func (c codec) Marshal(v any) ([]byte, error) {
	m, ok := v.(Message)
	switch {
	case !ok:
		return nil, fmt.Errorf("write a %T: %w", v, errForeign)
	case c.text:
		return m.AppendText(nil), nil
	default:
		return m.AppendWire(nil), nil
	}
}

func (c codec) Unmarshal(data []byte, v any) error {
	r, ok := v.(Request)
	switch {
	case !ok:
		return fmt.Errorf("read a %T: %w", v, errForeign)
	case c.text:
		return r.ReadText(data)
	default:
		return r.ReadWire(data)
	}
}

// Codec returns what a gRPC server must be given to serve procedures. It knows
// ordinary protobuf messages too.
func Codec() encoding.CodecV2 { return grpcCodec{} }

type grpcCodec struct{}

func (grpcCodec) Name() string { return "proto" }

func (grpcCodec) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case Ready:
		pieces := v.Wire()
		all := make(mem.BufferSlice, len(pieces))
		for i, piece := range pieces {
			all[i] = mem.SliceBuffer(piece)
		}
		return all, nil
	case Message:
		return mem.BufferSlice{mem.SliceBuffer(v.AppendWire(nil))}, nil
	case proto.Message:
		data, err := proto.Marshal(v)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	}
	return nil, fmt.Errorf("write a %T: %w", v, errForeign)
}

func (grpcCodec) Unmarshal(data mem.BufferSlice, v any) error {
	var whole []byte
	if len(data) == 1 {
		whole = data[0].ReadOnlyData()
	} else {
		whole = data.Materialize()
	}
	switch v := v.(type) {
	case Request:
		return v.ReadWire(whole)
	case proto.Message:
		return proto.Unmarshal(whole, v)
	}
	return fmt.Errorf("read a %T: %w", v, errForeign)
}
