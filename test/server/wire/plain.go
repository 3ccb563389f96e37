package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

var (
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
	entityTag        = []byte("etag")
)

// maxAnswer is the longest body that is read.
const maxAnswer = 64 << 20

// readAnswer reads an answer over HTTP/1.1 into the space of body.
func readAnswer(in *bufio.Reader, body []byte) (a Answer, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, fmt.Errorf("an answer begins with %.40q", line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("an answer begins with %.40q", line)
	}
	length, chunked := 0, false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return a, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, contentLength):
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxAnswer {
				return a, fmt.Errorf("an answer is %.40q bytes long", value)
			}
		case bytes.EqualFold(name, transferEncoding):
			chunked = true
		case bytes.EqualFold(name, entityTag):
			a.ETag = string(value)
		}
	}
	if chunked {
		a.Body, err = readChunks(in, body[:0])
		return a, err
	}
	a.Body, err = readInto(in, body[:0], length)
	return a, err
}

// readInto appends n bytes to body.
func readInto(in *bufio.Reader, body []byte, n int) ([]byte, error) {
	if n > maxAnswer-len(body) {
		return body, errors.New("an answer is too long")
	}
	begin := len(body)
	if cap(body) < begin+n {
		body = append(make([]byte, 0, begin+n), body...)
	}
	body = body[:begin+n]
	_, err := io.ReadFull(in, body[begin:])
	return body, err
}

func readChunks(in *bufio.Reader, body []byte) ([]byte, error) {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return body, err
		}
		text, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
		n, err := strconv.ParseUint(string(text), 16, 32)
		if err != nil {
			return body, fmt.Errorf("a chunk is %.40q bytes long", text)
		}
		if body, err = readInto(in, body, int(n)); err != nil {
			return body, err
		}
		if _, err := in.Discard(len("\r\n")); err != nil || n == 0 {
			return body, err
		}
	}
}
