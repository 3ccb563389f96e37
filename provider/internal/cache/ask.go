package cache

import (
	"context"
	"time"
)

// A call is a question that went out.
type call[A any] struct {
	question question
	shared   bool // whether others may join, which takes a context with a sum
	flag     *flag[A]
	context  map[string]any // until it arrives
	members  *[]string      // what the sum is of; nil is the whole context

	// Written by the caller who sent it, before done is closed.
	answer    A
	err       error
	abandoned bool // there is no answer, for reasons that are the sender's own
	done      chan struct{}
}

// Ask returns the answer that is kept for whoever asks with ec. If there is
// none it calls ask, in this goroutine and with ctx, and keeps the answer if
// that may be. While an identical question is on its way, which has the same
// flag and kind and an equal context, Ask waits for its answer or its error
// instead, or for the end of ctx, whose error it then returns.
//
// What befalls the caller whose question is on its way does not befall those
// who wait: if ask failed and his ctx is done, or if ask panicked, one of them
// asks anew with his own. A time that shall run for each caller by itself
// therefore belongs into ctx; one that ask sets is that of the question.
//
// A question does not join one that was sent before a change of its flag was
// announced.
func (c *Cache[A]) Ask(ctx context.Context, flag string, kind uint8, ec map[string]any,
	ask func(context.Context) (answer A, keep Keep, err error),
) (A, error) {
	if answer, ok := c.Find(flag, kind, ec); ok {
		return answer, nil
	}
	for again := false; ; again = true {
		e, asked, first := c.join(flag, kind, ec, again)
		if e != nil {
			return e.answer, nil
		}
		if first {
			return c.send(ctx, asked, ask)
		}
		select {
		case <-asked.done:
		case <-ctx.Done():
			var none A
			return none, ctx.Err()
		}
		if !asked.abandoned && (asked.err != nil || c.fits(asked.answer, asked.members)) {
			return asked.answer, asked.err
		}
	}
}

// join returns what there is for the asker: the answer, if it was kept
// since he looked; or the call that is on its way; or a call that he is the
// first to make. It counts him, unless he comes again.
func (c *Cache[A]) join(
	name string, kind uint8, ec map[string]any, again bool,
) (e *entry[A], asked *call[A], first bool) {
	// What can be done before, so that nobody waits for the lock meanwhile.
	before, _ := c.flags.Load(name)
	members, sum, summable := before.summed(ec)
	fresh := &call[A]{context: ec, done: make(chan struct{})}

	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.flag(name)
	if f.members.Load() != members { // it has changed, or was answered for the first time
		members, sum, summable = f.summed(ec)
	}
	q := question{flag: f.id, kind: uint64(kind), sum: sum}
	if e := c.keptFor(f, q, summable); e != nil {
		e.use()
		if !again { // he was counted as a miss
			c.hits.add()
		}
		return e, nil, false
	}
	if !again {
		c.counts.Misses++
	}
	if summable {
		if asked, ok := c.calls[q]; ok {
			if !again {
				c.counts.Collapsed++
			}
			return nil, asked, false
		}
	}
	fresh.question, fresh.flag, fresh.shared, fresh.members = q, f, summable, members
	if summable {
		c.calls[q] = fresh
	}
	f.calls++
	return nil, fresh, true
}

// summed returns what [flag.sum] does, and for which members. There may be no flag.
func (f *flag[A]) summed(ec map[string]any) (members *[]string, sum Key, ok bool) {
	if f != nil {
		members = f.members.Load()
	}
	if members == nil {
		sum, ok = Sum(ec)
		return nil, sum, ok
	}
	sum, ok = sumOf(ec, *members)
	return members, sum, ok
}

func (c *Cache[A]) send(ctx context.Context, asked *call[A], ask func(context.Context) (A, Keep, error)) (A, error) {
	keep, began := Never, time.Now()
	asked.abandoned = true
	// Deferred, so that those who wait are released also if ask does not
	// return: it may panic, or end its goroutine.
	defer func() {
		c.arrive(asked, keep, time.Since(began))
		close(asked.done)
	}()
	asked.answer, keep, asked.err = ask(ctx)
	if asked.err != nil {
		keep = Never
	}
	asked.abandoned = asked.err != nil && ctx.Err() != nil
	return asked.answer, asked.err
}

// arrive ends a call, and keeps its answer if that may be.
func (c *Cache[A]) arrive(asked *call[A], keep Keep, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Calls++
	c.counts.CallTime += took
	if asked.shared {
		delete(c.calls, asked.question)
	}
	if asked.err == nil && !asked.abandoned && !asked.flag.dropped && !c.fits(asked.answer, asked.flag.members.Load()) {
		c.drop(asked.flag.name)
	}
	if c.listening && c.limit > 0 && !asked.flag.dropped {
		switch {
		case keep == Static:
			c.keepStatic(asked)
		case keep == ByContext && asked.shared:
			c.keepByContext(asked)
		}
	}
	asked.flag.calls-- // only here: a flag with calls is not forgotten, whoever has to go
	c.forgetIfIdle(asked.flag)
	asked.context = nil // others may hold on to the call
}
