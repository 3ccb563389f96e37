package natskv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// doubt leads to a check, but not more than one a second: whoever may ask the
// server for old records can have them delivered to others.
func (f *follower) doubt() {
	if since := time.Since(f.looked); since < doubtEvery {
		f.check.Reset(doubtEvery - since)
		return
	}
	f.hint()
}

// look asks what the newest head is, and reads what is missing. It is true if
// the newest state is now at hand.
func (f *follower) look(ctx context.Context) bool {
	f.looked = time.Now()
	err := f.compare(ctx)
	var refused *replica.RejectError
	switch {
	case ctx.Err() != nil && err != nil:
	case err == nil:
		f.retry = retryFirst
		f.check.Reset(jitter(checkEvery))
		f.confirmed = time.Now()
		f.sink.Report(source.Status{Connected: true, Confirmed: f.confirmed})
	case errors.As(err, &refused):
		f.check.Reset(rejectRetry)
		f.reject(refused)
	default:
		f.retry = min(max(2*f.retry, retryFirst), retryLast)
		f.check.Reset(jitter(f.retry))
		f.trouble(err)
	}
	return err == nil
}

// compare brings the log to the newest head, if it is not there.
func (f *follower) compare(ctx context.Context) error {
	if !f.client.Conn.IsConnected() {
		return errors.New("no connection to NATS")
	}
	short, cancel := context.WithTimeout(ctx, answerIn)
	head, seq, err := f.client.Head(short)
	cancel()
	if err != nil {
		return err
	}

	now := f.log.State()
	switch {
	case now.Generation() == 0:
		err = f.load(ctx, seq)
	case head.Incarnation == now.Head.Incarnation:
		if seq <= now.Seq {
			return nil // nothing new, or a replica that is behind
		}
		err = f.catchUp(ctx, seq)
	case head.Epoch > now.Head.Epoch:
		f.logger.Warn("follow another incarnation", "generation", head.Generation)
		err = f.load(ctx, seq)
	default:
		err = &replica.RejectError{Head: head, Reason: fmt.Sprintf(
			"incarnation %s with epoch %d, where incarnation %s has %d: a bucket made anew from old data?",
			head.Incarnation, head.Epoch, now.Head.Incarnation, now.Head.Epoch)}
	}
	if err == nil && !head.More && f.log.State().Seq < seq {
		return errBehind
	}
	return err
}

// errBehind says that a server knows a head, but another that answered for the
// log does not have it yet.
var errBehind = errors.New("the answering server does not have all of the log yet")

// catchUp reads what is missing up to the sequence to. If what it finds cannot
// be right, everything is read again, once.
func (f *follower) catchUp(ctx context.Context, to uint64) error {
	step, err := f.read(ctx, f.log, to)
	if step != nil {
		f.refused = nil
		f.deliver(step)
	}
	if refused, ok := errors.AsType[*replica.RejectError](err); ok {
		f.logger.Warn("read everything again", "generation", refused.Head.Generation, "err", err)
		return f.load(ctx, to)
	}
	return err
}

// load reads the whole log, and goes over to it only when it is complete.
func (f *follower) load(ctx context.Context, to uint64) error {
	fresh := replica.NewLog(f.env, nil)
	if _, err := f.read(ctx, fresh, to); err != nil {
		return err
	}
	now, loaded := f.log.State().Head, fresh.State().Head
	switch {
	case loaded.Generation == 0:
		return natslog.ErrEmpty
	case loaded.Incarnation == now.Incarnation && loaded.Generation <= now.Generation:
		return &replica.RejectError{Head: loaded, Reason: fmt.Sprintf("not above generation %d: an old copy of the log?", now.Generation)}
	}
	f.refused = nil
	f.log = fresh
	f.deliver(nil)
	return nil
}

// read reads into log what it is missing up to the sequence to. It returns all
// that log went through, as one step; nil if it could not step.
func (f *follower) read(ctx context.Context, log *replica.Log, to uint64) (*replica.Step, error) {
	ctx, cancel := context.WithTimeout(ctx, replayIn)
	defer cancel()
	var whole *replica.Step
	advance := func() error {
		step, err := log.Advance()
		if step != nil && whole != nil {
			step.Records = append(whole.Records, step.Records...)
		}
		if step != nil {
			whole = step
		}
		return err
	}
	overflow := false
	err := f.client.Read(ctx, f.env.Subjects(), log.Missing(), to, func(r replica.Record) bool {
		if !log.Offer(r) && r.Seq > log.State().Seq {
			overflow = true
			return false
		}
		if r.Key == wire.HeadKey && log.Full() {
			_ = advance() // a head that is wrong may be followed by one that is right
		}
		return true
	})
	if err == nil && overflow {
		err = errors.New("a change is larger than can be held")
	}
	if err == nil {
		err = advance()
	}
	return whole, err
}

// refuse reacts to a live generation that cannot be right: everything is read
// again, once.
func (f *follower) refuse(ctx context.Context, err error) {
	f.logger.Warn("read everything again", "err", err)
	f.look(ctx)
}

func (f *follower) reject(refused *replica.RejectError) {
	f.logger.Error("keep last good flags", "generation", refused.Head.Generation, "err", refused)
	f.refused = refused
	f.sink.Report(source.Status{Connected: true, Confirmed: f.confirmed, Err: refused})
	f.tell()
}

func (f *follower) trouble(err error) {
	f.logger.Debug("wait for flags", "err", err)
	f.sink.Report(source.Status{Connected: false, Confirmed: f.confirmed, Err: err})
}
