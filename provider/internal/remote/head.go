package remote

import (
	"bufio"
	"bytes"
	"strconv"

	"golang.org/x/net/http/httpguts"

	"github.com/flagline/flagline/internal/reuse"
)

// A head is what matters of the head of an HTTP response that says 200.
type head struct {
	size   int // in bytes, with the empty line
	length int // of the body
	mark   []byte
}

// peekHead returns the head of the response that comes next, if it is a plain one:
// of an answer in protobuf, with its length, on a connection that stays. All else
// is not ok, and for net/http to read, to whom everything is left. It allocates
// nothing. An error is one of reading.
func peekHead(r *bufio.Reader) (h head, ok bool, err error) {
	for n := 1; ; n = r.Buffered() + 1 {
		if n > r.Size() {
			return head{}, false, nil
		}
		if _, err := r.Peek(n); err != nil {
			return head{}, false, err
		}
		arrived, err := r.Peek(r.Buffered())
		if err != nil {
			return head{}, false, err
		}
		if end := bytes.Index(arrived, []byte("\r\n\r\n")); end >= 0 {
			h, ok = parseHead(arrived[:end+2])
			h.size = end + 4
			return h, ok, nil
		}
	}
}

// parseHead reads a head without its empty line.
func parseHead(lines []byte) (h head, ok bool) {
	status, lines, _ := bytes.Cut(lines, []byte("\r\n"))
	if string(status) != "HTTP/1.1 200 OK" {
		return head{}, false
	}
	h.length = -1
	proto := false
	for len(lines) > 0 {
		var line []byte
		line, lines, _ = bytes.Cut(lines, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !isToken(name) {
			return head{}, false
		}
		value = bytes.Trim(value, " \t")
		switch {
		case bytes.ContainsFunc(value, isControl):
			return head{}, false
		case is(name, "Content-Length"):
			if h.length >= 0 || len(value) > 7 {
				return head{}, false
			}
			for _, digit := range value {
				if digit < '0' || digit > '9' {
					return head{}, false
				}
			}
			if h.length, _ = strconv.Atoi(string(value)); len(value) == 0 {
				return head{}, false
			}
		case is(name, "Content-Type"):
			if proto = string(value) == answerType; !proto {
				return head{}, false
			}
		case is(name, reuse.Header):
			if h.mark != nil {
				return head{}, false
			}
			h.mark = value
		case is(name, "Connection"), is(name, "Transfer-Encoding"), is(name, "Content-Encoding"), is(name, "Upgrade"), is(name, "Trailer"):
			return head{}, false
		}
	}
	return h, proto && h.length >= 0
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func is(name []byte, header string) bool {
	return len(name) == len(header) && bytes.EqualFold(name, []byte(header))
}

func isToken(name []byte) bool {
	for _, b := range name {
		if !httpguts.IsTokenRune(rune(b)) {
			return false
		}
	}
	return len(name) > 0
}
