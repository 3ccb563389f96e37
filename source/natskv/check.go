package natskv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flagline/flagline/internal/replica"
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
		f.agreed()
	case f.postponed(err):
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
	if f.client.Conn.IsClosed() {
		f.logger.Error("connect anew", "err", f.client.Conn.LastError())
		if err := f.dial(ctx); err != nil {
			return err
		}
	}
	if !f.client.Conn.IsConnected() {
		if err := f.client.Conn.LastError(); err != nil {
			return fmt.Errorf("no connection to NATS: %w", err)
		}
		return errors.New("no connection to NATS")
	}
	short, cancel := context.WithTimeout(ctx, answerIn)
	head, seq, err := f.client.Head(short)
	cancel()
	if err != nil {
		return err
	}

	now := f.log.State()
	verdict := now.Compare(head, seq)
	if verdict != replica.WentBack {
		f.behind = 0
	}
	switch verdict {
	case replica.Same:
		return nil
	case replica.Newer:
		if now.Generation() == 0 {
			err = f.load(ctx, seq)
		} else {
			err = f.catchUp(ctx, seq)
		}
	case replica.Another:
		f.logger.Warn("follow another incarnation", "generation", head.Generation)
		err = f.load(ctx, seq)
	case replica.WentBack:
		// Any replica may answer, and one may be behind. Three answers in a
		// row, over more time than that takes, are no accident.
		if f.behind == 0 {
			f.since = time.Now()
		}
		if f.behind++; f.behind < 3 || time.Since(f.since) < wentBackAfter {
			return errBehind
		}
		return now.Refuse(verdict, head)
	default:
		return now.Refuse(verdict, head)
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
	log := f.log.Fork()
	step, err := f.read(ctx, log, to, f.judge)
	if step != nil {
		f.log, f.refused = log, nil
		f.current(step.State)
		f.deliver(step)
	}
	if refused, ok := errors.AsType[*replica.RejectError](err); ok {
		f.logger.Warn("read everything again", "generation", refused.Head.Generation, "err", err)
		return f.load(ctx, to)
	}
	return err
}

// read reads into log what it is missing up to the sequence to, and steps as far
// as judge lets it. It returns all that log went through, as one step; nil if
// there is nothing that can be shown. There may be a step and an error.
func (f *follower) read(ctx context.Context, log *replica.Log, to uint64, judge func(*replica.State) error) (*replica.Step, error) {
	ctx, cancel := context.WithTimeout(ctx, replayIn)
	defer cancel()
	var between []replica.Record // gone through without being judged
	overflow := false
	err := f.client.Read(ctx, f.env.Subjects(), log.Missing(), to, func(r replica.Record) bool {
		if !log.Offer(r) && r.Seq > log.State().Seq {
			overflow = true
			return false
		}
		if log.Full() && r.Seq < to && r.Completes() {
			// A head that is wrong may be followed by one that is right.
			if step, _ := log.Advance(nil); step != nil {
				between = append(between, step.Records...)
			}
		}
		return true
	})
	if err == nil && overflow {
		err = errors.New("a change is larger than can be held")
	}
	if err != nil {
		return nil, err
	}
	step, err := log.Advance(judge)
	switch {
	case step != nil:
		step.Records = append(between, step.Records...)
	case err == nil && len(between) > 0: // parts of a change follow, perhaps
		state := log.State()
		if wrong := judge(state); wrong != nil {
			return nil, &replica.RejectError{Head: state.Head, Reason: wrong.Error()}
		}
		step = &replica.Step{State: state, Records: between}
	}
	return step, err
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
