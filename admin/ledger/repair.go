package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// abandonedAfter is how long parts of a change wait for their publisher before
// somebody else puts back what they replaced.
const abandonedAfter = time.Minute

// repair puts back the last complete state wherever records were written after
// it that no complete head closes: parts of a change whose publisher died, or
// something put into the bucket by hand. It does so under a change of its own,
// so that the record of what happened is whole. The caller holds the lock.
func (l *Ledger) repair(ctx context.Context) error {
	state := l.log.State()
	info, err := l.js.Stream(ctx, l.env.Stream())
	if err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	last := info.CachedInfo().State.LastSeq
	stray, abandoned, err := l.strays(ctx, state, last)
	if err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	if len(stray) == 0 && abandoned == "" {
		return nil // somebody else was quicker
	}

	why := "put back what was written without a change"
	if abandoned != "" {
		why = "put back what change " + abandoned + " left unfinished"
	}
	now := time.Now().UTC()
	head := wire.Head{
		Incarnation: state.Head.Incarnation, Epoch: state.Head.Epoch,
		Generation: state.Generation() + 1, Parent: state.Head.Digest, Change: newID(now),
		Part: 1, Time: now, Flags: state.Flags(), Digest: state.Digest().String(),
	}
	parts := split(stray, head, "flagline", why)
	if len(parts) == 0 { // only heads were written
		parts = []*batch{{author: "flagline", reason: why, head: head}}
	}
	headSeq, err := l.lastHead(ctx)
	if err != nil {
		return fmt.Errorf("put back: %w", err)
	}
	for _, part := range parts {
		part.lastSeq, part.headSeq = last, headSeq
		what, seq, err := l.settle(ctx, part)
		switch what {
		case committed:
			last, headSeq = seq, seq
		case lostRace, foreign:
			return nil // somebody is at work; the caller looks again
		case unknown:
			return fmt.Errorf("put back: %w", err)
		}
	}
	l.logger.Warn("put back what no head closed", "generation", head.Generation, "records", len(stray))
	return nil
}

// strays returns records that undo what was written after state up to the
// sequence last, and the change whose parts are among it, if any.
func (l *Ledger) strays(ctx context.Context, state *replica.State, last uint64) (undo []replica.Record, abandoned string, err error) {
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

// lastHead is the sequence of the last message under head's key, whatever that
// message says.
func (l *Ledger) lastHead(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	msg, err := l.lastOf(ctx, l.env.Subject(wire.HeadKey))
	if errors.Is(err, natslog.ErrEmpty) {
		return 0, nil
	}
	return msg.Seq, err
}
