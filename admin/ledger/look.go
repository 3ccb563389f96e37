package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
)

// errBusy says that another publisher is between the parts of a change.
var errBusy = errors.New("another change is being published")

// An end is where the leader of the stream says that the log ends.
type end struct {
	head    wire.Head // the zero head if what stands under its key is none
	headSeq uint64    // 0 if nothing stands there
	age     time.Duration
	lastSeq uint64 // of any message
}

// whole brings the log to the end that the leader of the stream knows, and
// returns the records that were news, in stream order. A ledger is whole if its
// state is closed by the leader's newest head and nothing follows that. The
// caller has the turn.
//
// Whatever stands in the log and is not the work of a publisher that is alive
// is put back: parts that were abandoned, heads that cannot be right, what
// somebody wrote by hand.
func (l *Ledger) whole(ctx context.Context) (news []replica.Record, err error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		e, err := l.end(ctx)
		if err != nil {
			return news, err
		}
		read, done, err := l.approach(ctx, e)
		news = append(news, read...)
		if done || err != nil {
			return news, err
		}
		if !sleep(ctx, wait) {
			if e.head.More {
				return news, fmt.Errorf("%w: change %s", errBusy, e.head.Change)
			}
			return news, ctx.Err()
		}
	}
}

// wholeOnceLed is whole for one who would rather wait for an election than fail:
// as long as there is a connection, whatever may pass is waited for.
func (l *Ledger) wholeOnceLed(ctx context.Context) (news []replica.Record, err error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		read, err := l.whole(ctx)
		news = append(news, read...)
		if err == nil || !passing(err) || !l.nc.IsConnected() || !sleep(ctx, wait) {
			return news, err
		}
	}
}

// upToDate says whether the leader's newest head is that of the state. It is
// what most changes begin with: one request. Something that was written after
// the head is not seen here, but by the batch's expectations.
func (l *Ledger) upToDate(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	msg, err := l.lastOf(ctx, l.env.Subject(wire.HeadKey))
	if err != nil {
		return false
	}
	h, err := wire.ParseHead(msg.Data)
	return err == nil && l.log.State().Generation() > 0 && l.log.State().Compare(h, msg.Seq) == replica.Same
}

// adopt takes over what was stored by a change of this ledger, as if it had
// been read. It is false if it has to be read.
func (l *Ledger) adopt(stored []replica.Record) bool {
	for _, r := range stored {
		l.log.Offer(r)
	}
	step, err := l.log.Advance(l.judge)
	if step == nil {
		return false
	}
	l.record(step.Records)
	l.state.Store(step.State)
	return err == nil
}

// approach takes one step towards the end e. done says that it is reached.
func (l *Ledger) approach(ctx context.Context, e end) (news []replica.Record, done bool, err error) {
	if e.head.Generation == 0 {
		return l.withoutHead(ctx, e)
	}
	state := l.log.State()
	verdict := state.Compare(e.head, e.headSeq)
	switch verdict {
	case replica.Same:
		if e.lastSeq == e.headSeq {
			return nil, true, nil
		}
		return nil, false, l.repair(ctx, e)
	case replica.Newer:
		return l.catchUp(ctx, e)
	case replica.Another:
		l.logger.Warn("follow another incarnation", "generation", e.head.Generation)
		l.reset()
		return nil, false, nil
	default: // the leader is never behind itself
		return nil, false, state.Refuse(verdict, e.head)
	}
}

// withoutHead deals with a log whose newest head is none: nothing was published
// yet, or something else was written in its place.
func (l *Ledger) withoutHead(ctx context.Context, e end) (news []replica.Record, done bool, err error) {
	news, refused, err := l.read(ctx, e.lastSeq)
	if err != nil {
		return news, false, err
	}
	switch state := l.log.State(); {
	case state.Generation() == 0 && refused != nil:
		return news, false, refused
	case state.Generation() == 0 && l.anew:
		return news, false, fmt.Errorf("%w: the environment is being restored", errBusy)
	case state.Generation() == 0:
		return news, false, l.begin(ctx, e)
	case e.lastSeq < state.Seq:
		return news, false, state.Refuse(replica.WentBack, e.head)
	}
	l.log.Forget()
	return news, false, l.repair(ctx, e)
}

// catchUp goes on to the newest head, or as far towards it as can be right.
func (l *Ledger) catchUp(ctx context.Context, e end) (news []replica.Record, done bool, err error) {
	news, refused, err := l.read(ctx, e.headSeq)
	switch {
	case err != nil:
		return news, false, err
	case refused != nil && l.log.State().Generation() == 0:
		// Nothing there is right. To put back nothing would be to delete all.
		return news, false, fmt.Errorf("%w; see --sign-existing if it was not signed so far", refused)
	case refused != nil:
		// A copy of an older head, a digest that is wrong, a head that none
		// of our keys signed: not the work of a publisher.
		l.logger.Error("put back a head that cannot be right", "generation", e.head.Generation, "err", refused)
		l.log.Forget()
		return news, false, l.repair(ctx, e)
	case e.head.More && (e.age > l.abandoned || l.own[e.head.Change]):
		l.log.Forget()
		return news, false, l.repair(ctx, e)
	}
	return news, false, nil // look again: a replica was behind, a publisher is at work, or all is well
}

// read reads what is missing up to the sequence to, and steps as far as that can
// be right. refused says what is wrong with the newest complete head, if so.
func (l *Ledger) read(ctx context.Context, to uint64) (news []replica.Record, refused, err error) {
	advance := func(judge func(*replica.State) error) error {
		step, refused := l.log.Advance(judge)
		if step != nil {
			l.record(step.Records)
			news = append(news, step.Records...)
			l.state.Store(step.State)
		}
		return refused
	}
	err = l.client.Read(ctx, l.env.Subjects(), l.log.Missing(), to, func(r replica.Record) bool {
		l.log.Offer(r)
		if l.log.Full() && r.Completes() {
			_ = advance(nil) // nobody builds on it before the last one is judged
		}
		return true
	})
	if err != nil {
		return news, nil, err
	}
	return news, advance(l.judge), nil
}

// judge says why next is not to be built upon: none of our keys signed it.
func (l *Ledger) judge(next *replica.State) error { return l.vouch(next.Head) }

func (l *Ledger) vouch(h wire.Head) error {
	_, err := l.signer.Trust().Verify(h.Signed(l.env), h.Signatures)
	return err
}

// signExisting takes the newest state as it is, signed or not, and signs it.
func (l *Ledger) signExisting(ctx context.Context) error {
	signer := l.signer
	l.signer = nil
	_, err := l.whole(ctx)
	l.signer = signer
	if err != nil || l.judge(l.log.State()) == nil {
		return err
	}
	e, err := l.end(ctx)
	if err != nil {
		return err
	}
	return l.close(ctx, e, nil, "sign what there is")
}

// errNoKey says that this control plane cannot publish what others would accept.
var errNoKey = errors.New("the environment is signed, and this control plane has no key for it; give it one with --signing-key")

// permitted is an error if a change from here would be refused by those who
// trust the environment's keys, and put back by those who have them.
func (l *Ledger) permitted() error {
	if l.signer == nil && len(l.log.State().Head.Signatures) > 0 {
		return errNoKey
	}
	return nil
}

// signWithAll makes sure that all keys have signed the newest state: a reader
// that trusts only a new one could not begin otherwise.
func (l *Ledger) signWithAll(ctx context.Context) error {
	if err := l.permitted(); err != nil {
		return err
	}
	head := l.log.State().Head
	for _, s := range l.signer.Sign(nil) {
		if slices.ContainsFunc(head.Signatures, func(by wire.Signature) bool { return by.Key == s.Key }) {
			continue
		}
		e, err := l.end(ctx)
		if err != nil {
			return err
		}
		if err := l.close(ctx, e, nil, "sign with another key"); err != nil {
			return err
		}
		_, err = l.whole(ctx)
		return err
	}
	return nil
}

// end asks the leader where the log ends. No replica that is behind can answer.
func (l *Ledger) end(ctx context.Context) (end, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	s, err := l.js.Stream(ctx, l.env.Stream())
	if err != nil {
		return end{}, err
	}
	info := s.CachedInfo()
	e := end{lastSeq: info.State.LastSeq}
	msg, err := l.lastOf(ctx, l.env.Subject(wire.HeadKey))
	if errors.Is(err, natslog.ErrEmpty) {
		return e, nil
	}
	if err != nil {
		return end{}, err
	}
	e.headSeq = msg.Seq
	e.lastSeq = max(e.lastSeq, msg.Seq) // it was asked for first
	e.age = info.TimeStamp.Sub(msg.Time)
	if h, err := wire.ParseHead(msg.Data); err == nil {
		e.head = h
	}
	return e, nil
}

// beacon tells readers which generation is the newest, and that there is
// somebody to tell them.
func (l *Ledger) beacon() {
	if err := sendBeacon(l.nc, l.env, l.state.Load().Head, l.signer); err != nil {
		l.logger.Warn("send a beacon", "err", err)
	}
}

func sendBeacon(nc *nats.Conn, env wire.Environment, head wire.Head, signer *signing.Signer) error {
	b := wire.Beacon{
		Protocol: wire.Protocol, Incarnation: head.Incarnation, Epoch: head.Epoch,
		Generation: head.Generation, Digest: head.Digest, Time: time.Now().UTC(),
	}
	b.Signatures = signer.Sign(b.Signed(env))
	body, err := b.Marshal()
	if err != nil {
		return err
	}
	return nc.Publish(env.Beacon(), body)
}
