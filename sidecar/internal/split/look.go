package split

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	frameHeader = 9

	// maxFrame is how long a frame may be whose receiver has not said otherwise.
	maxFrame = 16 << 10

	// longest is how many bytes are read to find the first request. Whoever
	// needs more is the HTTP server's to judge.
	longest = 64 << 10
)

// settings is an empty SETTINGS frame. Some clients, grpc-go's among them, say
// nothing before they have the server's; the server that gets the connection
// sends its own after it.
var settings = []byte{0, 0, 0, byte(http2.FrameSettings), 0, 0, 0, 0, 0}

// goAway says that no request was looked at, and that nothing is wrong.
var goAway = []byte{0, 0, 8, byte(http2.FrameGoAway), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// maxPings is how many pings are answered before a request. Whoever sends more is
// the HTTP server's to judge.
const maxPings = 100

// look reads the beginning of conn, up to its first request if that is HTTP/2,
// and returns a connection that begins there again. Its errors are those of conn.
func look(conn net.Conn, patience, idle time.Duration) (begun net.Conn, isGRPC bool, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, false, err
	}
	p := peeker{conn: conn}
	second, err := p.preface()
	if err == nil && second {
		if err = conn.SetReadDeadline(time.Now().Add(idle)); err == nil {
			isGRPC, err = p.request()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			_, _ = conn.Write(goAway) // whoever is about to ask shall ask elsewhere, and can
		}
	}
	if err != nil {
		return nil, false, err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, false, err
	}
	return p.replay(second), isGRPC, nil
}

// A peeker reads and remembers.
type peeker struct {
	conn  net.Conn
	read  []byte
	acked bool // whether the client has taken note of our settings
	pings int  // that were answered
	left  int  // bytes of the last frame in read that are still to come
}

// preface says whether the connection begins as HTTP/2 does.
func (p *peeker) preface() (bool, error) {
	for len(p.read) < len(http2.ClientPreface) {
		if err := p.more(len(http2.ClientPreface) - len(p.read)); err != nil {
			return false, err
		}
		if !strings.HasPrefix(http2.ClientPreface, string(p.read)) {
			return false, nil
		}
	}
	_, err := p.conn.Write(settings)
	return true, err
}

// more reads at least one byte more, and at most count.
func (p *peeker) more(count int) error {
	have := len(p.read)
	p.read = append(p.read, make([]byte, count)...)
	n, err := io.ReadAtLeast(p.conn, p.read[have:], 1)
	p.read = p.read[:have+n]
	return err
}

// until reads until count bytes have been read from the beginning.
func (p *peeker) until(count int) error {
	for len(p.read) < count {
		if err := p.more(count - len(p.read)); err != nil {
			return fmt.Errorf("read the first request: %w", err)
		}
	}
	return nil
}

// request reads frames until the first request is whole, and says whether it is
// one for grpc-go.
func (p *peeker) request() (isGRPC bool, err error) {
	var block []byte
	for at := len(http2.ClientPreface); ; {
		if err := p.until(at + frameHeader); err != nil {
			return false, err
		}
		head := p.read[at : at+frameHeader]
		length := int(binary.BigEndian.Uint32(head) >> 8)
		kind, flags := http2.FrameType(head[3]), http2.Flags(head[4])
		if length > maxFrame || at+frameHeader+length > longest {
			p.left = length
			return false, nil
		}
		if err := p.until(at + frameHeader + length); err != nil {
			return false, err
		}
		payload := p.read[at+frameHeader : at+frameHeader+length]
		switch kind {
		case http2.FrameSettings:
			if flags.Has(http2.FlagSettingsAck) && !p.acked {
				p.acked = true
				p.read = p.read[:at] // it is the last frame that was read
				continue
			}
		case http2.FramePing:
			if !flags.Has(http2.FlagPingAck) && length == 8 && p.pings < maxPings {
				p.pings++
				pong := slices.Concat([]byte{0, 0, 8, byte(http2.FramePing), byte(http2.FlagPingAck), 0, 0, 0, 0}, payload)
				if _, err := p.conn.Write(pong); err != nil {
					return false, err
				}
				p.read = p.read[:at]
				continue
			}
		case http2.FrameHeaders:
			fragment, ok := withoutPadding(payload, flags)
			if !ok {
				return false, nil
			}
			block = append(block, fragment...)
		case http2.FrameContinuation:
			block = append(block, payload...)
		case http2.FrameWindowUpdate, http2.FramePriority, http2.FramePriorityUpdate:
		default:
			return false, nil // nothing that a connection begins with
		}
		at += frameHeader + length
		if (kind == http2.FrameHeaders || kind == http2.FrameContinuation) && flags.Has(http2.FlagHeadersEndHeaders) {
			return forGRPC(block), nil
		}
	}
}

// withoutPadding returns the part of a HEADERS frame that tells the headers.
func withoutPadding(payload []byte, flags http2.Flags) (fragment []byte, ok bool) {
	padding := 0
	if flags.Has(http2.FlagHeadersPadded) {
		if len(payload) == 0 {
			return nil, false
		}
		padding, payload = int(payload[0]), payload[1:]
	}
	if flags.Has(http2.FlagHeadersPriority) {
		if len(payload) < 5 {
			return nil, false
		}
		payload = payload[5:]
	}
	if padding > len(payload) {
		return nil, false
	}
	return payload[:len(payload)-padding], true
}

// forGRPC reads the headers of a request, in the encoding of HTTP/2: does a client
// that knows nothing but gRPC make a call, and nobody stand between?
func forGRPC(block []byte) bool {
	isGRPC, pure, proxied := false, false, false
	decoder := hpack.NewDecoder(4096, func(h hpack.HeaderField) {
		switch h.Name {
		case "content-type":
			isGRPC = h.Value == "application/grpc" || h.Value == "application/grpc+proto"
		case "user-agent":
			pure = isOfGRPC(h.Value)
		default:
			proxied = proxied || isOfProxy(h.Name)
		}
	})
	decoder.SetMaxStringLength(longest)
	_, err := decoder.Write(block)
	return err == nil && isGRPC && pure && !proxied
}

// isOfGRPC says whether a client is one of gRPC's own. They begin their names so,
// behind what the application calls itself; the clients of Connect do so as well,
// and speak other protocols on the same connection.
func isOfGRPC(userAgent string) bool {
	return strings.Contains(userAgent, "grpc-") && !strings.Contains(userAgent, "connect")
}

// isOfProxy says whether a header is one that proxies add.
func isOfProxy(name string) bool {
	switch name {
	case "via", "forwarded", "x-real-ip", "x-request-id":
		return true
	}
	return strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "x-envoy-")
}

// replay returns the connection from its beginning, without what the client
// says to our settings, which the server that gets it never sent.
func (p *peeker) replay(second bool) net.Conn {
	var rest io.Reader = p.conn
	if second && !p.acked {
		rest = &withoutAck{from: p.conn, left: p.left}
	}
	return &replayed{Conn: p.conn, begun: bytes.NewReader(p.read), rest: rest}
}

// A replayed connection gives back first what was read of it.
type replayed struct {
	net.Conn

	begun *bytes.Reader // nil once it is read
	rest  io.Reader
}

func (c *replayed) Read(b []byte) (int, error) {
	if c.begun != nil {
		n, err := c.begun.Read(b)
		if c.begun.Len() == 0 {
			c.begun = nil
		}
		return n, err
	}
	return c.rest.Read(b)
}
