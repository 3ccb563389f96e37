package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// repair puts back the state wherever records were written after it up to the
// end e, and closes what stands there with a head. It does so under a change
// of its own, so that the record of what happened is whole.
func (l *Ledger) repair(ctx context.Context, e end) error {
	if err := l.permitted(); err != nil {
		return err
	}
	undo, abandoned, err := l.strays(ctx, e.lastSeq)
	if err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	why := "put back what was written without a change"
	if abandoned != "" {
		why = "put back what change " + abandoned + " left unfinished"
	}
	l.logger.Warn("put back the last complete state", "generation", l.log.State().Generation(), "records", len(undo), "change", abandoned)
	if err := l.close(ctx, e, undo, why); err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	return nil
}

// close publishes records that lead, from whatever stands at the end e, back to
// the state as it is, under a new generation. Whoever publishes in the same
// moment is left to it: the caller looks again.
func (l *Ledger) close(ctx context.Context, e end, records []replica.Record, why string) error {
	state := l.log.State()
	head := l.nextHead(state, l.newID(time.Now()), time.Now())
	head.Flags, head.Digest = state.Flags(), state.Digest().String()
	l.seal(&head, records)
	last, headSeq := e.lastSeq, e.headSeq
	for _, part := range split(records, head, "flagline", why) {
		part.lastSeq, part.headSeq = last, headSeq
		what, seq, err := l.settle(ctx, part)
		switch what {
		case committed:
			last, headSeq = seq, seq
		case lost:
			return nil
		case refused, unknown:
			return err
		}
	}
	return nil
}

// nextHead begins the head that follows state.
func (l *Ledger) nextHead(state *replica.State, id string, now time.Time) wire.Head {
	return wire.Head{
		Protocol: wire.Protocol, Incarnation: state.Head.Incarnation, Epoch: state.Head.Epoch,
		Generation: state.Generation() + 1, Parent: state.Head.Digest, Change: id, Part: 1,
		Shrunk: state.Head.Shrunk, Time: now.UTC(),
	}
}

// seal adds to a finished head what vouches for it.
func (l *Ledger) seal(head *wire.Head, records []replica.Record) {
	head.Records = wire.RecordsDigest(func(yield func(string, []byte) bool) {
		for _, r := range records {
			if !yield(r.Key, r.Body) {
				return
			}
		}
	})
	head.Signatures = l.signer.Sign(head.Signed(l.env))
}

// strays returns records that undo what was written after the state up to the
// sequence last, and the change whose parts are among it, if any.
func (l *Ledger) strays(ctx context.Context, last uint64) (undo []replica.Record, abandoned string, err error) {
	state := l.log.State()
	seen := make(map[string]bool)
	reached := state.Seq
	err = l.client.Read(ctx, l.env.Subjects(), state.Seq+1, last, func(r replica.Record) bool {
		reached = r.Seq
		if r.Key == wire.HeadKey {
			if h, err := wire.ParseHead(r.Body); err == nil && h.More {
				abandoned = h.Change
			}
			return true
		}
		k, err := wire.ParseKey(r.Key)
		if err != nil || seen[r.Key] {
			return true // a key of nobody's; no reader looks at it
		}
		seen[r.Key] = true
		was, _ := state.Get(k)
		undo = append(undo, replica.Record{Key: r.Key, Body: was.Body})
		return true
	})
	if err == nil && reached < last {
		err = natslog.ErrNoAnswer // a replica that is behind
	}
	return undo, abandoned, err
}
