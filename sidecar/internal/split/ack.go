package split

import (
	"encoding/binary"
	"io"

	"golang.org/x/net/http2"
)

// A withoutAck reads frames of HTTP/2 and leaves out the first that acknowledges
// settings. What comes after it passes untouched.
type withoutAck struct {
	from io.Reader
	gone bool // whether it was left out

	head    [frameHeader]byte // of the frame that is being read
	pending []byte            // the part of head that was not passed on yet
	left    int               // bytes of the frame after its head
}

func (w *withoutAck) Read(b []byte) (int, error) {
	switch {
	case w.gone:
		return w.from.Read(b)
	case len(w.pending) > 0:
		n := copy(b, w.pending)
		w.pending = w.pending[n:]
		return n, nil
	case w.left > 0:
		n, err := w.from.Read(b[:min(len(b), w.left)])
		w.left -= n
		return n, err
	}
	if _, err := io.ReadFull(w.from, w.head[:]); err != nil {
		return 0, err
	}
	w.gone = http2.FrameType(w.head[3]) == http2.FrameSettings && http2.Flags(w.head[4]).Has(http2.FlagSettingsAck)
	if !w.gone {
		w.pending, w.left = w.head[:], int(binary.BigEndian.Uint32(w.head[:])>>8)
	}
	return w.Read(b)
}
