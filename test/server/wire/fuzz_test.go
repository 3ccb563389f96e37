package wire

import (
	"bufio"
	"bytes"
	"net"
	"slices"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func TestMessagesAreFoundWhereverTheyAreCut(t *testing.T) {
	data := []byte{0, 0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7}
	for cut := range data {
		var m message
		var sizes []int
		for _, rest := range [][]byte{data[:cut], data[cut:]} {
			for len(rest) > 0 {
				var whole bool
				if rest, whole = m.take(rest); whole {
					sizes = append(sizes, m.size)
					m = message{}
				}
			}
		}
		if !slices.Equal(sizes, []int{2, 0, 1}) {
			t.Errorf("cut at %d, messages of %v bytes are found, want 2, 0 and 1", cut, sizes)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a\"\r\n\r\n{}"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := readAnswer(bufio.NewReader(bytes.NewReader(data)), nil)
		if err == nil && len(a.Body) > len(data) {
			t.Errorf("%d bytes are read out of %d", len(a.Body), len(data))
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(nil, frameData, flagEndStream, 1, []byte{0, 0, 0, 0, 1, 7}))
	f.Add(appendFrame(nil, frameGoAway, 0, 0, nil))
	f.Add(appendFrame(nil, frameReset, 0, 1, nil))
	f.Add(appendFrame(appendFrame(nil, frameSettings, 0, 0, nil), framePing, 0, 0, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, out := net.Pipe()
		defer in.Close()
		defer out.Close()
		go func() { // what is acknowledged
			var b [64]byte
			for {
				if _, err := out.Read(b[:]); err != nil {
					return
				}
			}
		}()
		c := &frames{conn: in, in: bufio.NewReader(bytes.NewReader(data))}
		c.header = hpack.NewDecoder(4096, c.field)
		parts := make([]message, 1)
		for {
			r, err := c.read()
			if err != nil {
				return
			}
			for rest := r.payload; r.kind == frameData && len(rest) > 0; {
				before := len(rest)
				var whole bool
				if rest, whole = parts[0].take(rest); whole {
					parts[0] = message{}
				}
				if len(rest) == before {
					t.Fatal("nothing is taken")
				}
			}
		}
	})
}
