// Package natslog reads the log of an environment from a NATS server: single
// records, and runs of records by sequence.
//
// It asks core NATS requests of the subjects it is given. A reader gives those
// that its account imports ([Reader]); whoever may use the JetStream API gives
// that API's own ([Owner]).
package natslog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// ErrEmpty says that the log has no record head: nothing was ever published.
var ErrEmpty = errors.New("the environment holds nothing yet")

// ErrNoAnswer says that nobody serves the environment here: it does not exist,
// this user may not read it, or the servers that hold it are down.
var ErrNoAnswer = errors.New("nobody answers for the environment")

// A Client reads one environment's log.
type Client struct {
	Conn        *nats.Conn
	Environment wire.Environment
	HeadSubject string // where head is asked for
	LogSubject  string // where records are asked for by sequence
	BaseSubject string // where the base is asked for
}

// Reader is a client for a user of an account that imports the environment.
func Reader(nc *nats.Conn, env wire.Environment) *Client {
	return &Client{nc, env, env.GetHead(), env.GetLog(), env.GetBase()}
}

// Owner is a client for a user of the account that owns the environment.
func Owner(nc *nats.Conn, env wire.Environment) *Client {
	const direct = "$JS.API.DIRECT.GET."
	log := direct + env.Stream()
	return &Client{nc, env, log + "." + env.Subject(wire.HeadKey), log, direct + env.BaseStream()}
}

// Head asks for the newest head. Any replica may answer, so it may be an older
// one than another server knows.
func (c *Client) Head(ctx context.Context) (wire.Head, uint64, error) {
	msg, err := c.Conn.RequestWithContext(ctx, c.HeadSubject, nil)
	if err != nil {
		return wire.Head{}, 0, answer(err)
	}
	if err := status(msg); err != nil {
		return wire.Head{}, 0, err
	}
	r, err := c.Record(msg)
	if err != nil {
		return wire.Head{}, 0, err
	}
	if r.Key != wire.HeadKey {
		return wire.Head{}, 0, fmt.Errorf("asked for head, got %q", r.Key)
	}
	h, err := wire.ParseHead(r.Body)
	return h, r.Seq, err
}

// What one request asks for, at the most. A server drops a connection on which
// an answer of tens of megabytes waits.
const (
	batch      = 1000    // records
	batchBytes = 8 << 20 // with headers
)

// Read yields the records from sequence from on, up to and including to, as
// far as the answering server has them. It stops early when yield is false.
func (c *Client) Read(ctx context.Context, subject string, from, to uint64, yield func(replica.Record) bool) error {
	for from <= to {
		last, more, err := c.readBatch(ctx, subject, from, to, yield)
		if err != nil || !more {
			return err
		}
		from = last + 1
	}
	return nil
}

// readBatch reads one answer. more says that asking again from last+1 may
// yield further records.
func (c *Client) readBatch(ctx context.Context, subject string, from, to uint64, yield func(replica.Record) bool) (last uint64, more bool, err error) {
	request, err := json.Marshal(map[string]any{"seq": from, "next_by_subj": subject, "batch": batch, "max_bytes": batchBytes})
	if err != nil {
		return 0, false, err
	}
	inbox := c.Conn.NewRespInbox()
	sub, err := c.Conn.SubscribeSync(inbox)
	if err != nil {
		return 0, false, err
	}
	defer sub.Unsubscribe()
	if err := c.Conn.PublishRequest(c.LogSubject, inbox, request); err != nil {
		return 0, false, err
	}
	for {
		wait, cancel := context.WithTimeout(ctx, 5*time.Second) // between two records
		msg, err := sub.NextMsgWithContext(wait)
		cancel()
		if err != nil {
			return 0, false, answer(err)
		}
		switch msg.Header.Get("Status") {
		case "":
		case "204": // the end of the batch
			pending, _ := strconv.Atoi(msg.Header.Get("Nats-Num-Pending"))
			return last, last > 0 && pending > 0, nil
		case "404": // nothing at or above from
			return last, false, nil
		default:
			return 0, false, status(msg)
		}
		r, err := c.Record(msg)
		if err != nil {
			return 0, false, err
		}
		if r.Seq > to || !yield(r) {
			return r.Seq, false, nil
		}
		last = r.Seq
	}
}

// Record reads a stored message, as it comes live or as an answer. It believes
// the headers that the server sets, never the subject of delivery, which
// anybody who may ask the server for something can choose.
func (c *Client) Record(msg *nats.Msg) (replica.Record, error) {
	if s := msg.Header.Get("Nats-Stream"); s != c.Environment.Stream() {
		return replica.Record{}, fmt.Errorf("record of stream %q, not %q", s, c.Environment.Stream())
	}
	subject := msg.Header.Get("Nats-Subject")
	key, ok := c.Environment.Key(subject)
	if !ok {
		return replica.Record{}, fmt.Errorf("record with the subject %q", subject)
	}
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil || seq == 0 {
		return replica.Record{}, fmt.Errorf("record without a sequence: %q", msg.Header.Get("Nats-Sequence"))
	}
	r := replica.Record{
		Seq:    seq,
		Key:    key,
		Body:   msg.Data,
		Change: msg.Header.Get(wire.HeaderChange),
		Author: wire.DecodeText(msg.Header.Get(wire.HeaderAuthor)),
		Reason: wire.DecodeText(msg.Header.Get(wire.HeaderReason)),
	}
	r.Generation, _ = strconv.ParseUint(msg.Header.Get(wire.HeaderGeneration), 10, 64)
	r.Time, _ = time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	if len(r.Body) == 0 || msg.Header.Get("KV-Operation") != "" {
		r.Body = nil
	}
	return r, nil
}

// status turns the status line of an answer into an error.
func status(msg *nats.Msg) error {
	switch code := msg.Header.Get("Status"); code {
	case "":
		return nil
	case "404":
		return ErrEmpty
	case "503":
		return ErrNoAnswer
	default:
		return fmt.Errorf("server answers %s %s", code, msg.Header.Get("Description"))
	}
}

func answer(err error) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return ErrNoAnswer
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("%w in time", ErrNoAnswer)
	}
	return err
}
