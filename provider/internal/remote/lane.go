package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/flagline/flagline/internal/clienttls"
	"github.com/flagline/flagline/internal/reuse"
)

const (
	// maxOpen is how many questions may be out on the fast lane at once; gRPC
	// takes more of them on its one connection.
	maxOpen = 32

	// maxIdle is how many connections wait for the next question.
	maxIdle = 8

	// maxAnswer is how many bytes an answer may have; it is gRPC's own limit.
	maxAnswer = 4 << 20

	// answerType is protobuf, as the Connect protocol calls it.
	answerType = "application/proto"

	// lookAt is how much of what arrives is read at once. Answers are shorter.
	lookAt = 2 << 10
)

// errNoLane says that a question has to go by gRPC. It was not answered.
var errNoLane = errors.New("the fast lane is closed")

// A lane sends questions past gRPC: as unary requests of the Connect protocol over
// HTTP/1.1, which flagd's servers speak at the same port. The caller itself writes
// to a connection and reads from it; in gRPC that is done by other goroutines, and
// to wake these costs a client several times what all the rest does.
//
// It takes the plain case and nothing else. What is odd, be it a server that does
// not understand it, a connection that has ended, or one question too many at
// once, is left to gRPC, which then also says what is wrong.
type lane struct {
	network, address string
	tls              *clienttls.Files
	host             string // with what the request says it is for
	selector         string

	mu     sync.Mutex
	idle   []*lineup
	open   map[*lineup]struct{} // idle or not
	dialed int                  // connections that are being opened
	server int                  // counts those that there may have been
	closed bool                 // for good
	odd    bool                 // the server does not understand
}

// A lineup is a connection, on which one question is out at a time.
type lineup struct {
	net.Conn

	reader  *bufio.Reader
	request []byte
	server  int
	used    bool // something was answered on it
}

// newLane returns the lane to a target, or nil if there is none: gRPC alone knows
// how to find the server, or what its options do.
func newLane(cfg Config, at target) *lane {
	l := &lane{network: "tcp", tls: cfg.TLS, selector: cfg.Selector, open: make(map[*lineup]struct{})}
	var ok bool
	if l.address, ok = strings.CutPrefix(at.dial, "passthrough:///"); !ok {
		l.network = "unix"
		l.address, ok = strings.CutPrefix(at.dial, "unix:")
	}
	if !ok || len(cfg.DialOptions) > 0 || l.network == "tcp" && proxied(l.address) {
		return nil
	}
	if l.host = at.authority; l.host == "" {
		l.host = l.address
	}
	return l
}

// proxied says that gRPC goes through a proxy, which the environment names.
func proxied(address string) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	return err != nil || proxy != nil
}

// ask asks on a connection of its own. It ends at the deadline, or with ctx. marked
// is what the answer is marked with. The error is one of gRPC's, or errNoLane.
func (l *lane) ask(ctx context.Context, deadline time.Time, method string, q *question, mark *string, a *answer) (marked string, err error) {
	c := l.take(ctx, deadline)
	if c == nil {
		return "", errNoLane
	}
	release := func() bool { return true }
	if err = c.SetDeadline(deadline); err == nil && ctx.Done() != nil {
		release = context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	}
	var reusable bool
	if err == nil {
		marked, reusable, err = l.exchange(c, method, q, mark, a)
	}
	if !release() || !reusable {
		l.discard(c)
	} else {
		l.put(c)
	}
	switch {
	case err == nil:
		return marked, nil
	case ctx.Err() != nil:
		return "", status.FromContextError(ctx.Err()).Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		if !c.used { // what is on the way may swallow HTTP/1.1
			l.giveUp()
		}
		return "", status.FromContextError(context.DeadlineExceeded).Err()
	}
	return "", err
}

// exchange sends a question and reads its answer.
func (l *lane) exchange(c *lineup, method string, q *question, mark *string, a *answer) (marked string, reusable bool, err error) {
	c.request = l.appendRequest(c.request[:0], method, q, mark)
	if _, err := c.Write(c.request); err != nil {
		return "", false, l.lost(c, err)
	}
	h, plain, err := peekHead(c.reader)
	switch {
	case err != nil:
		return "", false, l.lost(c, err)
	case !plain || h.size+h.length > c.reader.Size():
		return l.readOdd(c, a)
	}
	whole, err := c.reader.Peek(h.size + h.length)
	if err != nil {
		return "", false, l.lost(c, err)
	}
	c.used = true
	marked = string(h.mark)
	if err := a.read(whole[h.size:]); err != nil {
		return "", false, status.Error(codes.Internal, err.Error())
	}
	_, err = c.reader.Discard(len(whole)) // only now: h and whole are in there
	return marked, err == nil && c.reader.Buffered() == 0, nil
}

// readOdd reads an answer that is an error, long, or otherwise unusual.
func (l *lane) readOdd(c *lineup, a *answer) (marked string, reusable bool, err error) {
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return "", false, l.lost(c, err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	_ = res.Body.Close()
	if err != nil {
		return "", false, l.lost(c, err)
	}
	if len(body) > maxAnswer {
		return "", false, status.Errorf(codes.ResourceExhausted, "the answer has more than %d bytes", maxAnswer)
	}
	c.used = true
	reusable = !res.Close && c.reader.Buffered() == 0
	kind := res.Header.Get("Content-Type")
	switch {
	case res.StatusCode == http.StatusOK && kind == answerType:
		if err := a.read(body); err != nil {
			return "", reusable, status.Error(codes.Internal, err.Error())
		}
		return res.Header.Get(reuse.Header), reusable, nil
	case res.StatusCode != http.StatusOK && kind == "application/json":
		if err := refusal(body); err != nil {
			return "", reusable, err
		}
	}
	l.giveUp()
	return "", false, errNoLane
}

// lost is what became of a question on a connection that failed. A server that has
// never answered on it is one that speaks gRPC alone.
func (l *lane) lost(c *lineup, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if !c.used {
		l.giveUp()
	}
	return errNoLane
}

func (l *lane) appendRequest(b []byte, method string, q *question, mark *string) []byte {
	b = append(append(append(b, "POST "...), method...), " HTTP/1.1\r\nHost: "...)
	b = append(b, l.host...)
	b = append(b, "\r\nUser-Agent: flagline\r\nContent-Type: "+answerType+"\r\nConnect-Protocol-Version: 1\r\n"...)
	if l.selector != "" {
		b = append(append(append(b, "Flagd-Selector: "...), l.selector...), "\r\n"...)
	}
	if mark != nil {
		b = append(append(append(b, reuse.Header+": "...), *mark...), "\r\n"...)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(q.size()), 10)
	return q.append(append(b, "\r\n\r\n"...))
}

// refusal reads an error of the Connect protocol: gRPC's codes in lower case. It is
// nil if it is none.
func refusal(body []byte) error {
	var said struct{ Code, Message string }
	if json.Unmarshal(body, &said) != nil {
		return nil
	}
	name := strings.ToUpper(said.Code)
	if name == "CANCELED" {
		name = "CANCELLED" // as gRPC spells it
	}
	var code codes.Code
	if name == "" || code.UnmarshalJSON([]byte(strconv.Quote(name))) != nil || code == codes.OK {
		return nil
	}
	if code == codes.Unimplemented {
		return nil // gRPC finds out which version there is
	}
	return status.Error(code, said.Message)
}

// take returns an idle connection or a new one, or nil if there is none to be had.
func (l *lane) take(ctx context.Context, deadline time.Time) *lineup {
	l.mu.Lock()
	switch n := len(l.idle); {
	case l.closed || l.odd || n == 0 && len(l.open)+l.dialed >= maxOpen:
		l.mu.Unlock()
		return nil
	case n > 0:
		c := l.idle[n-1] // the one that was used last is the least likely to have ended
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		return c
	}
	server := l.server
	l.dialed++
	l.mu.Unlock()

	// If there is no way through, gRPC needs what is left of the time.
	within, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	conn, err := l.dial(within)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dialed--
	switch {
	case err != nil:
		l.odd = l.odd || ctx.Err() == nil // until it is renewed
		return nil
	case l.closed:
		_ = conn.Close()
		return nil
	}
	c := &lineup{Conn: conn, reader: bufio.NewReaderSize(conn, lookAt), server: server}
	l.open[c] = struct{}{}
	return c
}

func (l *lane) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, l.network, l.address)
	if err != nil || l.tls == nil {
		return conn, err
	}
	cfg, err := l.tls.Config()
	if err == nil {
		if cfg.ServerName == "" {
			cfg.ServerName = l.host
			if name, _, err := net.SplitHostPort(l.host); err == nil {
				cfg.ServerName = name
			}
		}
		cfg.NextProtos = []string{"http/1.1"}
	}
	if err == nil {
		secure := tls.Client(conn, cfg)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
	}
	_ = conn.Close()
	return nil, fmt.Errorf("shake hands with %s: %w", l.address, err)
}

func (l *lane) put(c *lineup) {
	l.mu.Lock()
	if !l.closed && !l.odd && c.server == l.server && len(l.idle) < maxIdle {
		l.idle = append(l.idle, c)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	l.discard(c)
}

func (l *lane) discard(c *lineup) {
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
	_ = c.Close()
}

// giveUp closes the lane until it is renewed.
func (l *lane) giveUp() {
	l.mu.Lock()
	l.odd = true
	l.mu.Unlock()
}

// renew makes an end of connections to a server that may not be there any more,
// and has the lane try the one that is.
func (l *lane) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.odd = false
	l.server++
	for _, c := range l.idle {
		delete(l.open, c)
		_ = c.Close()
	}
	l.idle = nil
}

// close ends all connections, and what is out on them.
func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.Close()
	}
	clear(l.open)
	l.idle = nil
}
