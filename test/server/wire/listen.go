package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"time"
)

// A Heard is a message that came on a stream.
type Heard struct {
	Stream int // the number of the stream among those of all connections
	Bytes  int
	At     time.Time
	Err    error // why the connection of this stream ended; nothing comes after it
}

// Listen opens a connection with so many streams that answer q, numbered from
// first, and tells of each message until ctx ends.
func Listen(ctx context.Context, address string, q *Question, first, streams int, heard chan<- Heard) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	f, err := newFrames(conn, bufio.NewReaderSize(conn, 4<<10), address, q)
	if err != nil {
		return err
	}
	for range streams {
		if err := f.open(); err != nil {
			return err
		}
	}
	go func() {
		err := f.listen(ctx, first, streams, heard)
		select {
		case heard <- Heard{Stream: first, Err: err}:
		case <-ctx.Done():
		}
	}()
	return nil
}

// listen reads messages, which may come in several frames, until the connection
// ends.
func (f *frames) listen(ctx context.Context, first, streams int, heard chan<- Heard) error {
	parts := make([]message, streams)
	for {
		r, err := f.read()
		if err != nil {
			return err
		}
		n := int(r.stream-1) / 2
		if r.kind != frameData || n >= streams {
			continue
		}
		for data := r.payload; len(data) > 0; {
			var whole bool
			if data, whole = parts[n].take(data); !whole {
				continue
			}
			h := Heard{Stream: first + n, Bytes: parts[n].size, At: time.Now()}
			parts[n] = message{}
			select {
			case heard <- h:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// A message is one of which a part has come.
type message struct {
	prefix  [5]byte
	size    int // of the message, once the prefix is there
	prefixN int // what is there of the prefix
	bodyN   int // and of the rest
}

// take takes what belongs to the message from data, and says whether it is whole.
func (m *message) take(data []byte) (rest []byte, whole bool) {
	n := copy(m.prefix[m.prefixN:], data)
	m.prefixN += n
	data = data[n:]
	if m.prefixN < len(m.prefix) {
		return data, false
	}
	m.size = int(binary.BigEndian.Uint32(m.prefix[1:]))
	n = min(m.size-m.bodyN, len(data))
	m.bodyN += n
	return data[n:], m.bodyN == m.size
}
