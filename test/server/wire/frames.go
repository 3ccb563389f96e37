package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// The frames of HTTP/2 that a client of gRPC meets (RFC 9113, section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameReset        = 0x3
	frameSettings     = 0x4
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8

	flagAck        = 0x1
	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8

	frameHeader = 9

	// window is how much a server may send without being asked to go on. As much
	// as there can be: nobody is held up by the client.
	window = 1<<31 - 1
)

// frames are one connection of HTTP/2.
type frames struct {
	conn    net.Conn
	in      *bufio.Reader
	first   []byte // the header of the first request
	next    []byte // that of all others, for which the server knows all fields by number
	message []byte
	out     []byte
	stream  uint32
	taken   uint32 // from the window, and not given back
	header  *hpack.Decoder
	payload []byte

	// Of the answer that is being read.
	status, grpcStatus, grpcMessage string
}

func newFrames(conn net.Conn, in *bufio.Reader, address string, q *Question) (*frames, error) {
	f := &frames{conn: conn, in: in, message: q.message()}
	f.header = hpack.NewDecoder(4096, f.field)
	fields := []Field{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", q.Path},
		{":authority", address},
		{"content-type", "application/grpc"},
		{"user-agent", "grpc-go/1.83.2"},
		{"te", "trailers"},
	}
	fields = append(fields, q.Header...)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, header := range []*[]byte{&f.first, &f.next} {
		block.Reset()
		for _, field := range fields {
			if err := encoder.WriteField(hpack.HeaderField{Name: field.Name, Value: field.Value}); err != nil {
				return nil, err
			}
		}
		*header = bytes.Clone(block.Bytes())
	}
	hello := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	hello = appendFrame(hello, frameSettings, 0, 0, []byte{0, 4, 0x7f, 0xff, 0xff, 0xff}) // the window of each stream
	hello = appendFrame(hello, frameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, window-65535))
	_, err := conn.Write(hello)
	return f, err
}

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

// field takes a field of an answer's header or trailer.
func (f *frames) field(h hpack.HeaderField) {
	switch h.Name {
	case ":status":
		f.status = h.Value
	case "grpc-status":
		f.grpcStatus = h.Value
	case "grpc-message":
		f.grpcMessage = h.Value
	}
}

// open asks, on the next stream.
func (f *frames) open() error {
	header := f.next
	if f.stream == 0 {
		header = f.first
		f.stream = 1
	} else {
		f.stream += 2
	}
	f.out = appendFrame(f.out[:0], frameHeaders, flagEndHeaders, f.stream, header)
	f.out = appendFrame(f.out, frameData, flagEndStream, f.stream, f.message)
	_, err := f.conn.Write(f.out)
	return err
}

// ask asks, and reads the answer into the space of body.
func (f *frames) ask(body []byte) (a Answer, err error) {
	f.status, f.grpcStatus, f.grpcMessage = "", "", ""
	if err := f.open(); err != nil {
		return a, err
	}
	body = body[:0]
	for {
		r, err := f.read()
		if err != nil {
			return a, err
		}
		if r.kind == frameData {
			body = append(body, r.payload...)
		}
		if r.ends {
			break
		}
	}
	if f.grpcStatus != "0" {
		return a, fmt.Errorf("gRPC status %q: %.200s", f.grpcStatus, f.grpcMessage)
	}
	if len(body) < 5 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return a, fmt.Errorf("%d bytes are no message of gRPC", len(body))
	}
	a.Status, err = strconv.Atoi(f.status)
	copy(body, body[5:])
	a.Body = body[:len(body)-5]
	return a, err
}

// A received frame belongs to a stream.
type received struct {
	kind    byte
	stream  uint32
	payload []byte // valid until the next one is read
	ends    bool   // the stream
}

// read returns the next frame of a stream, and answers what it meets before.
func (f *frames) read() (received, error) {
	for {
		head, err := f.in.Peek(frameHeader)
		if err != nil {
			return received{}, err
		}
		n := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		kind, flags := head[3], head[4]
		r := received{kind: kind, stream: binary.BigEndian.Uint32(head[5:]) & window}
		if _, err := f.in.Discard(frameHeader); err != nil {
			return r, err
		}
		if cap(f.payload) < n {
			f.payload = make([]byte, n)
		}
		r.payload = f.payload[:n]
		if _, err := io.ReadFull(f.in, r.payload); err != nil {
			return r, err
		}
		switch kind {
		case frameData, frameHeaders:
			if flags&flagPadded != 0 || kind == frameHeaders && flags&flagEndHeaders == 0 {
				return r, errors.New("a frame is padded or in parts, which is not expected here")
			}
			if kind == frameHeaders {
				_, err = f.header.Write(r.payload)
			} else {
				err = f.give(uint32(n))
			}
			r.ends = flags&flagEndStream != 0
			return r, err
		case frameReset:
			return r, fmt.Errorf("the server resets the stream: code %x", r.payload)
		case frameGoAway:
			return r, fmt.Errorf("the server hangs up: %q", r.payload)
		case frameSettings, framePing:
			if err := f.acknowledge(kind, flags, r.payload); err != nil {
				return r, err
			}
		}
	}
}

func (f *frames) acknowledge(kind, flags byte, payload []byte) error {
	if flags&flagAck != 0 {
		return nil
	}
	if kind == frameSettings {
		payload = nil
	}
	_, err := f.conn.Write(appendFrame(nil, kind, flagAck, 0, payload))
	return err
}

// give gives the window of the connection back, from time to time.
func (f *frames) give(n uint32) error {
	f.taken += n
	if f.taken < window/4 {
		return nil
	}
	update := binary.BigEndian.AppendUint32(nil, f.taken)
	f.taken = 0
	_, err := f.conn.Write(appendFrame(nil, frameWindowUpdate, 0, 0, update))
	return err
}
