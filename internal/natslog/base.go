package natslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// ErrNoBase says that the environment has no base, or that nobody serves it.
var ErrNoBase = errors.New("the environment has no base")

// ErrTornBase says that the answer did not hold the whole of a base: it was
// being written, or it is broken.
var ErrTornBase = errors.New("the base is not whole")

// Base asks for the base of the environment: its index, and the chunks that
// the index speaks of, in their order. It is read with one request. Nothing of
// it is checked but sizes; that is for package base.
//
// The error is ErrNoBase if there is none or nobody serves it, ErrTornBase if
// parts are missing, and ErrNoAnswer if there was no answer in time.
func (c *Client) Base(ctx context.Context) (wire.BaseIndex, [][]byte, error) {
	request, err := json.Marshal(map[string]any{"multi_last": []string{c.Environment.Base(">")}})
	if err != nil {
		return wire.BaseIndex{}, nil, err
	}
	inbox := c.Conn.NewRespInbox()
	sub, err := c.Conn.SubscribeSync(inbox)
	if err != nil {
		return wire.BaseIndex{}, nil, err
	}
	defer sub.Unsubscribe()
	// It comes at once, and may be more than a subscription holds by default.
	if err := sub.SetPendingLimits(wire.MaxBaseChunks+2, (wire.MaxBaseChunks+2)*(wire.MaxBaseChunk+4096)); err != nil {
		return wire.BaseIndex{}, nil, err
	}
	if err := c.Conn.PublishRequest(c.BaseSubject, inbox, request); err != nil {
		return wire.BaseIndex{}, nil, err
	}

	a := baseAnswer{env: c.Environment}
	for {
		msg, err := c.nextPart(ctx, sub)
		if err == nil && msg.Header.Get("Status") == "204" { // the end
			return a.whole()
		}
		if err == nil {
			err = status(msg)
		}
		switch {
		case err == nil:
			err = a.take(msg)
		case errors.Is(err, ErrEmpty), errors.Is(err, ErrNoAnswer), errors.Is(err, nats.ErrNoResponders):
			err = ErrNoBase
		default:
			err = answer(err)
		}
		if err != nil {
			return wire.BaseIndex{}, nil, err
		}
	}
}

const (
	// partIn is how long the next part of a base may take, from a server
	// that thousands of readers ask in the same moment.
	partIn = 20 * time.Second

	// deniedIn is how soon a server says that a user may not ask.
	deniedIn = 500 * time.Millisecond
)

// nextPart waits for the next message of an answer.
func (c *Client) nextPart(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	soon, cancel := context.WithTimeout(ctx, deniedIn)
	msg, err := sub.NextMsgWithContext(soon)
	cancel()
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return msg, err
	}
	// A server does not answer a request that it does not allow. It only
	// tells the connection.
	if last := c.Conn.LastError(); errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), strconv.Quote(c.BaseSubject)) {
		return nil, nats.ErrNoResponders
	}
	wait, cancel := context.WithTimeout(ctx, partIn)
	defer cancel()
	return sub.NextMsgWithContext(wait)
}

// A baseAnswer collects the parts of a base, in whatever order they come.
type baseAnswer struct {
	env    wire.Environment
	index  []byte
	chunks [wire.MaxBaseChunks][]byte
}

func (a *baseAnswer) take(msg *nats.Msg) error {
	if s := msg.Header.Get("Nats-Stream"); s != a.env.BaseStream() {
		return fmt.Errorf("part of a base from stream %q, not %q", s, a.env.BaseStream())
	}
	part, ok := strings.CutPrefix(msg.Header.Get("Nats-Subject"), a.env.Base(""))
	if ok && part == wire.BaseIndexPart {
		a.index = msg.Data
		return nil
	}
	n, known := wire.ParseBaseChunk(part)
	switch {
	case !ok || !known:
		return fmt.Errorf("part of a base with the subject %q", msg.Header.Get("Nats-Subject"))
	case len(msg.Data) > wire.MaxBaseChunk:
		return fmt.Errorf("chunk of a base with %d bytes, and %d is the most", len(msg.Data), wire.MaxBaseChunk)
	}
	a.chunks[n] = msg.Data
	return nil
}

// whole is the base, if all of it came. Chunks above those that the index
// speaks of are what a larger base left behind.
func (a *baseAnswer) whole() (wire.BaseIndex, [][]byte, error) {
	if a.index == nil {
		return wire.BaseIndex{}, nil, ErrTornBase
	}
	index, err := wire.ParseBaseIndex(a.index)
	if err != nil {
		return wire.BaseIndex{}, nil, err
	}
	chunks := a.chunks[:index.Chunks]
	for i, c := range chunks {
		if len(c) == 0 {
			return wire.BaseIndex{}, nil, fmt.Errorf("%w: chunk %d is missing", ErrTornBase, i)
		}
	}
	return index, chunks, nil
}

// HeadAt asks for the head that is stored at seq. It is an error if something
// else is stored there, and ErrEmpty if nothing is, on the server that answers.
func (c *Client) HeadAt(ctx context.Context, seq uint64) (wire.Head, error) {
	request, err := json.Marshal(map[string]uint64{"seq": seq})
	if err != nil {
		return wire.Head{}, err
	}
	msg, err := c.Conn.RequestWithContext(ctx, c.LogSubject, request)
	if err != nil {
		return wire.Head{}, answer(err)
	}
	if err := status(msg); err != nil {
		return wire.Head{}, err
	}
	var r replica.Record
	if r, err = c.Record(msg); err != nil {
		return wire.Head{}, err
	}
	if r.Key != wire.HeadKey || r.Seq != seq {
		return wire.Head{}, fmt.Errorf("at sequence %d is no head, but %q", seq, r.Key)
	}
	return wire.ParseHead(r.Body)
}
