package wire

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"
)

// patience is how long an answer may take.
const patience = 2 * time.Minute

// A Conn is a connection on which one question is asked, again and again, one
// request at a time.
type Conn struct {
	conn     net.Conn
	in       *bufio.Reader
	question *Question
	request  []byte // over HTTP/1.1
	number   int    // where in request, or in the message, the number goes
	h2       *frames
	body     []byte
}

// Dial connects to host:port, to ask q.
func Dial(ctx context.Context, address string, q *Question) (*Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Conn{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), question: q}
	if q.GRPC {
		c.h2, err = newFrames(conn, c.in, address, q)
		if err != nil {
			conn.Close()
			return nil, err
		}
		c.number = numbered(c.h2.message)
		return c, nil
	}
	c.request = q.plain()
	c.number = numbered(c.request)
	return c, nil
}

// Close hangs up.
func (c *Conn) Close() { c.conn.Close() }

// An Answer is what a server says. Its body is valid until the next question.
type Answer struct {
	Status int    // of HTTP
	ETag   string // only over HTTP/1.1
	Body   []byte // for gRPC, of the message
}

// Ask asks with the number n, and returns an error if the answer has not the
// status that is wanted.
func (c *Conn) Ask(n int) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return Answer{}, err
	}
	return c.ask(n)
}

// ask is Ask without a limit of time, which would cost the client more than
// the rest.
func (c *Conn) ask(n int) (a Answer, err error) {
	if c.h2 != nil {
		number(c.h2.message, c.number, n)
		a, err = c.h2.ask(c.body)
	} else {
		number(c.request, c.number, n)
		if _, err = c.conn.Write(c.request); err == nil {
			a, err = readAnswer(c.in, c.body)
		}
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", c.question.Path, err)
	}
	c.body = a.Body
	if a.Status != c.question.want() {
		return a, fmt.Errorf("%s: status %d: %.200s", c.question.Path, a.Status, a.Body)
	}
	return a, nil
}
