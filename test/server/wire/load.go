package wire

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Load is what came of asking for a while.
type Load struct {
	Requests  int
	Took      time.Duration
	latencies []time.Duration // sorted
}

// Quantile is how long the q-th part of all requests took at most, 0 to 1.
func (l *Load) Quantile(q float64) time.Duration {
	if len(l.latencies) == 0 {
		return 0
	}
	return l.latencies[min(int(q*float64(len(l.latencies))), len(l.latencies)-1)]
}

// A Crowd is some connections that ask the same.
type Crowd struct {
	conns []*Conn
	next  atomic.Int64 // the number of the last request
}

// Gather connects n times to ask q, with numbers from the one after last.
func Gather(ctx context.Context, address string, q *Question, n, last int) (*Crowd, error) {
	c := new(Crowd)
	c.next.Store(int64(last))
	for range n {
		conn, err := Dial(ctx, address, q)
		if err != nil {
			c.Close()
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

// Close hangs up.
func (c *Crowd) Close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// Last is the number of the last request.
func (c *Crowd) Last() int { return int(c.next.Load()) }

// Run asks on all connections for as long as it is told, each time with another
// number.
func (c *Crowd) Run(long time.Duration) (*Load, error) {
	var over atomic.Bool
	latencies := make([][]time.Duration, len(c.conns))
	problems := make([]error, len(c.conns))
	var wait sync.WaitGroup
	begin := time.Now()
	end := time.AfterFunc(long, func() { over.Store(true) })
	defer end.Stop()
	for i, conn := range c.conns {
		wait.Go(func() {
			if problems[i] = conn.conn.SetDeadline(begin.Add(long + patience)); problems[i] != nil {
				return
			}
			took := make([]time.Duration, 0, 1<<14)
			for at := time.Now(); !over.Load(); {
				if _, problems[i] = conn.ask(int(c.next.Add(1))); problems[i] != nil {
					return
				}
				next := time.Now()
				took = append(took, next.Sub(at))
				at = next
			}
			latencies[i] = took
		})
	}
	wait.Wait()
	l := &Load{Took: time.Since(begin)}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	l.latencies = slices.Concat(latencies...)
	l.Requests = len(l.latencies)
	slices.Sort(l.latencies)
	return l, nil
}
