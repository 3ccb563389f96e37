package wire

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// A Question is a request.
type Question struct {
	GRPC   bool // otherwise POST over HTTP/1.1
	Path   string
	Header []Field // in lower case, beyond what the protocol asks for
	Body   []byte  // without what gRPC puts in front of a message

	// Want is the status that an answer has to have; 200 unless it is set. For
	// gRPC an answer must also have the status OK.
	Want int
}

// A Field is one of a header.
type Field struct{ Name, Value string }

// Placeholder stands in a body where a number comes that differs in each request.
const Placeholder = "0000000"

func (q *Question) want() int {
	if q.Want == 0 {
		return 200
	}
	return q.Want
}

// numbered is where in request the number goes; -1 if there is none.
func numbered(request []byte) int { return bytes.Index(request, []byte(Placeholder)) }

// number writes n at offset, in as many digits as the placeholder has.
func number(request []byte, offset, n int) {
	if offset < 0 {
		return
	}
	for i := len(Placeholder) - 1; i >= 0; i-- {
		request[offset+i] = byte('0' + n%10)
		n /= 10
	}
}

// plain is q as it is sent over HTTP/1.1.
func (q *Question) plain() []byte {
	b := []byte("POST " + q.Path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n")
	if q.Body != nil {
		b = append(b, "Content-Type: application/json\r\n"...)
	}
	for _, f := range q.Header {
		b = append(b, f.Name+": "+f.Value+"\r\n"...)
	}
	b = append(b, "Content-Length: "+strconv.Itoa(len(q.Body))+"\r\n\r\n"...)
	return append(b, q.Body...)
}

// message is the body as gRPC sends it: not compressed, with its length.
func (q *Question) message() []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(q.Body)))
	return append(b, q.Body...)
}
