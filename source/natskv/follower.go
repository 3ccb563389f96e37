package natskv

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/flagline/flagline/internal/natslog"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// How long the follower waits for what.
const (
	holdFor     = 250 * time.Millisecond // a gap, before it asks what it missed
	checkEvery  = 10 * time.Second       // without any reason, plus up to a fifth
	retryFirst  = 100 * time.Millisecond // after a failed check, doubling
	retryLast   = 5 * time.Second
	rejectRetry = 30 * time.Second // a state that was refused twice
	doubtEvery  = time.Second      // a check that somebody else can cause
	answerIn    = 2 * time.Second  // one request
	replayIn    = 5 * time.Minute  // a whole log
	reportEvery = 15 * time.Second // plus up to a fifth
)

// maxFiled bounds the bytes of messages that wait to be looked at.
const maxFiled = 64 << 20

// A follower is one Watch: everything but the two inboxes belongs to run's
// goroutine.
type follower struct {
	env    wire.Environment
	cfg    Config
	sink   source.Sink
	client *natslog.Client
	logger *slog.Logger

	log         *replica.Log
	delivered   bool // sink has something of ours
	saves       *saver
	confirmed   time.Time
	retry       time.Duration // the wait before the next check after a failed one
	looked      time.Time
	hold        *time.Timer
	holding     bool
	check       *time.Timer
	report      *time.Timer
	refused     *replica.RejectError
	quarantined []source.Rejection

	mu     sync.Mutex
	inbox  []*nats.Msg
	filed  int   // bytes in inbox
	lost   error // why the connection went; nil once seen
	wake   chan struct{}
	hinted chan struct{}
}

func newFollower(s *Source, sink source.Sink) *follower {
	f := &follower{
		env: s.env, cfg: s.cfg, sink: sink, logger: s.log,
		log:    replica.NewLog(s.env, nil),
		saves:  newSaver(s.cfg.SnapshotDir, s.env, s.log),
		check:  time.NewTimer(checkEvery),
		report: time.NewTimer(jitter(reportEvery)),
		wake:   make(chan struct{}, 1),
		hinted: make(chan struct{}, 1),
		hold:   time.NewTimer(holdFor),
	}
	f.hold.Stop()
	return f
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
				f.step(ctx)
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
	state, err := f.saves.restore()
	if err != nil {
		f.logger.Error("set snapshot aside", "err", err)
	}
	if state == nil {
		f.look(ctx)
		return
	}
	f.log = replica.NewLog(f.env, state)
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
	gap := f.log.Pending() && !f.log.Waiting()
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
		if msg.Subject == f.env.Nudge() {
			f.hint()
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
func (f *follower) step(ctx context.Context) {
	step, err := f.log.Advance()
	if err != nil {
		f.refuse(ctx, err)
		return
	}
	if step == nil {
		return
	}
	f.refused = nil
	f.confirmed = time.Now()
	f.deliver(step)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is signalled already
	}
}

func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
