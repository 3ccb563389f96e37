package natskv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/signing"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// How long the follower waits for what.
const (
	holdFor       = 250 * time.Millisecond // a gap, before it asks what it missed
	beaconsLost   = 15 * time.Second       // three of them
	checkEvery    = beaconsLost            // since the last beacon, plus up to a fifth
	aloneEvery    = 10 * time.Second       // while none is heard
	wentBackAfter = 5 * time.Second        // of older heads alone, the log counts as gone back
	retryFirst    = 100 * time.Millisecond // after a failed check, doubling
	retryLast     = 5 * time.Second
	rejectRetry   = 30 * time.Second // a state that was refused twice
	doubtEvery    = time.Second      // a check that somebody else can cause
	answerIn      = 2 * time.Second  // one request
	replayIn      = 5 * time.Minute  // a whole log
	reportEvery   = 15 * time.Second // plus up to a fifth
)

// A pace is how often a follower looks for a newer head without a reason: while
// beacons are heard, and while none is.
type pace struct{ heard, alone time.Duration }

// maxFiled bounds the bytes of messages that wait to be looked at.
const maxFiled = 64 << 20

// A follower is one Watch: everything but the two inboxes belongs to run's
// goroutine.
type follower struct {
	env    wire.Environment
	cfg    Config
	opts   []nats.Option
	pace   pace
	sink   source.Sink
	client *natslog.Client
	trust  *signing.Trust
	logger *slog.Logger

	log         *replica.Log
	delivered   bool // sink has something of ours
	loads       loading
	saves       *saver
	confirmed   time.Time
	behind      int           // heads below ours that were answered, in a row
	since       time.Time     // when the first of them was
	retry       time.Duration // the wait before the next check after a failed one
	looked      time.Time
	hold        *time.Timer
	holding     bool
	check       *time.Timer
	beacon      wire.Beacon // the newest that was heard, by its sender's clock
	heardAt     time.Time   // when that was, by ours
	report      *time.Timer
	refused     *replica.RejectError
	emergency   bool // only a key for emergencies vouches for what is served
	quarantined []source.Rejection

	mu        sync.Mutex
	inbox     []*nats.Msg
	filed     int    // bytes in inbox
	lost      error  // why the connection went; nil once seen
	complaint string // the last one
	wake      chan struct{}
	hinted    chan struct{}
}

func newFollower(s *Source, sink source.Sink) *follower {
	f := &follower{
		env: s.env, trust: s.trust, cfg: s.cfg, opts: s.opts, pace: s.pace, sink: sink, logger: s.log,
		saves:  newSaver(s.cfg.SnapshotDir, s.env, s.log),
		check:  time.NewTimer(s.pace.heard),
		report: time.NewTimer(jitter(reportEvery)),
		wake:   make(chan struct{}, 1),
		hinted: make(chan struct{}, 1),
		hold:   time.NewTimer(holdFor),
	}
	f.hold.Stop()
	f.log = f.newLog(nil)
	if mutation.NoCheck {
		f.pace = pace{heard: 1000 * time.Hour, alone: 1000 * time.Hour}
		f.check.Reset(f.pace.heard)
	}
	return f
}

// dial connects, and subscribes before anything is read, so that nothing falls
// in between. The connection mends itself, for as long as it is not closed.
func (f *follower) dial(ctx context.Context) error {
	opts := append([]nats.Option{
		nats.SetCustomDialer(tiedDialer{ctx}),
		nats.ReconnectHandler(func(*nats.Conn) { f.connected() }),
		nats.ConnectHandler(func(*nats.Conn) { f.connected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { f.disconnected(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { f.complained(err) }),
	}, f.opts...)
	nc, err := nats.Connect(f.cfg.Servers, opts...)
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	if _, err := nc.Subscribe(f.env.Changes(), f.file); err != nil {
		nc.Close()
		return fmt.Errorf("subscribe to %s: %w", f.env.Changes(), err)
	}
	f.client = natslog.Reader(nc, f.env)
	return nil
}

// file takes a live message. It runs in the connection's goroutine and only
// puts the message where run finds it, so that a slow compilation never makes
// the connection a slow consumer.
func (f *follower) file(msg *nats.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.filed += msg.Size(); f.filed > maxFiled {
		f.inbox, f.filed = nil, 0 // what is lost is read again
		f.hint()
		return
	}
	f.inbox = append(f.inbox, msg)
	signal(f.wake)
}

// hint asks for a check as soon as possible.
func (f *follower) hint() { signal(f.hinted) }

// complained notes what the server has against us: a slow consumer, whose lost
// messages the check finds, or a permission that is missing. What it says again
// and again is logged once.
func (f *follower) complained(err error) {
	f.mu.Lock()
	news := err.Error() != f.complaint
	f.complaint = err.Error()
	f.mu.Unlock()
	if news {
		f.logger.Warn("hear a complaint of NATS", "err", err)
	}
	f.hint()
}

// connected leads to a check. That the connection was lost before is no news
// any more, if it was not looked at yet.
func (f *follower) connected() {
	f.mu.Lock()
	f.lost = nil
	f.mu.Unlock()
	if mutation.NoReconnect {
		return
	}
	f.hint()
}

func (f *follower) disconnected(err error) {
	if err == nil {
		err = nats.ErrDisconnected
	}
	f.mu.Lock()
	f.lost = err
	f.mu.Unlock()
	signal(f.wake)
}

func (f *follower) run(ctx context.Context) error {
	f.saves.start()
	defer f.saves.close()
	defer f.goodbye()
	f.boot(ctx)

	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
			if f.ingest() {
				f.step()
			}
			f.holdOrNot()
		case <-f.hold.C:
			f.holding = false
			f.look(ctx)
		case <-f.hinted:
			f.look(ctx)
		case <-f.check.C:
			f.look(ctx)
		case <-f.report.C:
			f.tell()
		}
	}
}

// boot delivers the newest state that can be had at once: what NATS holds if
// it answers within the grace, else the snapshot on disk.
func (f *follower) boot(ctx context.Context) {
	state, confirmed, err := f.saves.restore()
	if err != nil {
		f.logger.Error("set snapshot aside", "err", err)
	}
	if state != nil {
		if err := f.judge(state); err != nil {
			f.logger.Error("start without the snapshot", "generation", state.Generation(), "err", err)
			state = nil
		}
	}
	if state == nil {
		f.look(ctx)
		return
	}
	f.log = f.newLog(state)
	if f.confirmed = confirmed; confirmed.IsZero() {
		f.confirmed = state.Head.Time
	}
	grace, cancel := context.WithTimeout(ctx, max(f.cfg.StartupGrace, 0))
	defer cancel()
	for grace.Err() == nil && !f.look(grace) {
		select {
		case <-grace.Done():
		case <-f.hinted:
		case <-time.After(retryFirst):
		}
	}
	if !f.delivered {
		f.logger.Info("start from snapshot", "generation", state.Generation())
		f.deliver(nil)
	}
	f.hint()
}

// holdOrNot gives a gap a moment to close by itself.
func (f *follower) holdOrNot() {
	gap := f.log.Pending() && !f.log.Waiting() && f.refused == nil
	switch {
	case gap && !f.holding:
		f.hold.Reset(holdFor)
	case !gap && f.holding:
		f.hold.Stop()
	}
	f.holding = gap
}

// ingest takes what was filed into the log. It is true if any of it is new.
func (f *follower) ingest() (news bool) {
	f.mu.Lock()
	msgs, lost := f.inbox, f.lost
	f.inbox, f.filed, f.lost = nil, 0, nil
	f.mu.Unlock()
	if lost != nil {
		f.trouble(lost)
	}
	for _, msg := range msgs {
		// What carries a stream is a stored record, sent here by whoever asked
		// the server for it.
		if msg.Subject == f.env.Beacon() && msg.Header.Get("Nats-Stream") == "" {
			f.heard(msg.Data)
			continue
		}
		r, err := f.client.Record(msg)
		if err != nil {
			continue // not of our log, whatever subject it came by
		}
		if f.log.Offer(r) {
			news = true
		} else if r.Key == wire.HeadKey {
			f.doubt() // a head that is not news: another log, maybe
		}
	}
	return news
}

// step shows what can be shown of what is there.
func (f *follower) step() {
	step, err := f.log.Advance(f.judge)
	if step != nil {
		f.refused = nil
		f.current(step.State)
		f.deliver(step)
		f.confirm(f.confirmed)
	}
	refused, ok := errors.AsType[*replica.RejectError](err)
	if !ok || f.refused != nil && f.refused.Same(refused) {
		return // what was refused before is left to the timer
	}
	f.logger.Warn("read everything again", "generation", refused.Head.Generation, "err", err)
	f.doubt()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
