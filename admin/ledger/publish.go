package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// What goes with one head in one batch, at the most.
const (
	partRecords = 999
	partBytes   = 4 << 20
)

// A batch is one atomic publication: records and the head that closes them.
type batch struct {
	author, reason string
	records        []replica.Record
	head           wire.Head

	lastSeq uint64 // the last sequence that the stream must have
	headSeq uint64 // the last sequence that head must have
}

// split makes the batches of a change that head completes. A change without
// records is its head alone.
func split(records []replica.Record, head wire.Head, author, reason string) []*batch {
	var batches []*batch
	for len(batches) == 0 || len(records) > 0 {
		n, size := 0, 0
		for n < len(records) && n < partRecords && (n == 0 || size+len(records[n].Body) <= partBytes) {
			size += len(records[n].Body)
			n++
		}
		part := head
		part.Part = len(batches) + 1
		part.More = n < len(records)
		if part.More {
			part = wire.Head{ // the rest stands on the complete head only
				Protocol: head.Protocol, Incarnation: head.Incarnation, Epoch: head.Epoch, Generation: head.Generation,
				Parent: head.Parent, Change: head.Change, Part: part.Part, More: true, Time: head.Time,
			}
		}
		batches = append(batches, &batch{author: author, reason: reason, records: records[:n], head: part})
		records = records[n:]
	}
	return batches
}

// publishBatch publishes b once and returns the sequence of its head. After
// any error but one of the JetStream API's it is not known whether it was
// stored.
func (l *Ledger) publishBatch(ctx context.Context, b *batch) (uint64, error) {
	msgs := make([]*nats.Msg, 0, len(b.records)+1)
	for _, r := range b.records {
		msg := l.message(b, r.Key, r.Body)
		if r.Body == nil {
			msg.Header.Set("KV-Operation", "DEL")
		}
		msgs = append(msgs, msg)
	}
	body, err := b.head.Marshal()
	if err != nil {
		return 0, err
	}
	head := l.message(b, wire.HeadKey, body)
	head.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(b.headSeq, 10))
	msgs = append(msgs, head)
	// On the first message: on a later one the batch's own would count.
	msgs[0].Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(b.lastSeq, 10))

	ctx, cancel := context.WithTimeout(ctx, commitIn)
	defer cancel()
	ack, err := jetstreamext.PublishMsgBatch(ctx, l.js, msgs,
		jetstreamext.BatchFlowControl{AckFirst: true, AckTimeout: firstAckIn})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// stored are the messages of b as they stand in the log, the last of them, its
// head, at seq: a batch is stored without a gap.
func (b *batch) stored(seq uint64) []replica.Record {
	body, err := b.head.Marshal()
	if err != nil {
		return nil // it was encoded before
	}
	all := append(slices.Clone(b.records), replica.Record{Key: wire.HeadKey, Body: body})
	for i := range all {
		all[i].Seq = seq - uint64(len(all)-1-i)
		all[i].Change, all[i].Author, all[i].Reason, all[i].Time = b.head.Change, b.author, b.reason, b.head.Time
	}
	return all
}

func (l *Ledger) message(b *batch, key string, body []byte) *nats.Msg {
	msg := nats.NewMsg(l.env.Subject(key))
	msg.Data = body
	msg.Header.Set(wire.HeaderChange, b.head.Change)
	msg.Header.Set(wire.HeaderAuthor, wire.EncodeText(b.author))
	msg.Header.Set(wire.HeaderReason, wire.EncodeText(b.reason))
	msg.Header.Set(wire.HeaderGeneration, strconv.FormatUint(b.head.Generation, 10))
	return msg
}

// An outcome says what became of a batch.
type outcome int

const (
	committed outcome = iota
	lost              // it was not stored, for the log has moved on
	refused           // it was not stored, and never will be
	unknown           // nobody answered
)

// settle publishes b until its outcome is known, or ctx is done. The error says
// why it was refused, or why nothing is known.
func (l *Ledger) settle(ctx context.Context, b *batch) (outcome, uint64, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		seq, err := l.publishBatch(ctx, b)
		switch {
		case err == nil:
			return committed, seq, nil
		case apiCode(err) == codeTooManyBatches:
			// Batches that others abandoned; over after the server's timeout.
			if !sleep(ctx, time.Second) {
				return refused, 0, err
			}
			continue
		case isConflict(err), passing(err), apiCode(err) == codeIncompleteBatch:
		default:
			return refused, 0, fmt.Errorf("the server does not take the change: %w", err)
		}

		// A conflict may be with an attempt of ours whose answer was lost.
		e, asked := l.askEnd(ctx)
		switch {
		case asked != nil:
			return unknown, 0, fmt.Errorf("%w; then, asked for head: %w", err, asked)
		case e.head.Change == b.head.Change && e.head.Part == b.head.Part:
			l.doubt = true
			return committed, e.headSeq, nil
		case e.headSeq != b.headSeq, e.lastSeq != b.lastSeq,
			e.head.Generation != 0 && e.head.Incarnation != b.head.Incarnation:
			return lost, 0, err
		}
		// The log is as it was, so the batch was not stored. If it is late,
		// it makes the next attempt a conflict, and is found above.
		if !sleep(ctx, wait) {
			return unknown, 0, err
		}
	}
}

// askEnd asks the leader for the end of the log until it answers.
func (l *Ledger) askEnd(ctx context.Context) (end, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		e, err := l.end(ctx)
		if err == nil || !passing(err) || !sleep(ctx, wait) {
			return e, err
		}
	}
}

// newID makes the id of a change. Ids sort by the time of making.
func newID(now time.Time) string {
	return now.UTC().Format("20060102T150405.000") + "-" + strings.ToLower(rand.Text()[:10])
}

// newID makes the id of a change of this ledger.
func (l *Ledger) newID(now time.Time) string {
	id := newID(now)
	if l.own == nil {
		l.own = make(map[string]bool)
	}
	l.own[id] = true
	return id
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
