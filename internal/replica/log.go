package replica

import (
	"fmt"

	"github.com/flagline/flagline/internal/wire"
)

// maxPending bounds the bytes of records that wait for their head.
const maxPending = 64 << 20

// A Log turns records into states. It is not safe for concurrent use.
type Log struct {
	env     wire.Environment
	state   *State
	pending map[uint64]Record
	bytes   int
}

// NewLog begins after state; nil is before the first record.
func NewLog(env wire.Environment, state *State) *Log {
	if state == nil {
		state = &State{}
	}
	return &Log{env: env, state: state, pending: make(map[uint64]Record)}
}

// State is the newest state.
func (l *Log) State() *State { return l.state }

// Offer takes a record that was stored at its sequence. It is false if the
// record is not above the state, or if too much is pending already: then
// everything pending is forgotten, and has to be read again.
func (l *Log) Offer(r Record) bool {
	if r.Seq <= l.state.Seq {
		return false
	}
	if _, known := l.pending[r.Seq]; known {
		return true
	}
	if l.bytes += len(r.Key) + len(r.Body); l.bytes > maxPending {
		l.Forget()
		return false
	}
	l.pending[r.Seq] = r
	return true
}

// Forget drops everything pending.
func (l *Log) Forget() {
	clear(l.pending)
	l.bytes = 0
}

// Full says that so much is pending that stepping on is worth its while.
func (l *Log) Full() bool { return l.bytes > maxPending/8 || len(l.pending) > 50_000 }

// Pending says whether records wait for something.
func (l *Log) Pending() bool { return len(l.pending) > 0 }

// Missing is the first sequence after the state that is not there.
func (l *Log) Missing() uint64 {
	seq := l.state.Seq + 1
	for {
		if _, ok := l.pending[seq]; !ok {
			return seq
		}
		seq++
	}
}

// Waiting says whether all that is pending is contiguous and ends in a head
// with more to come: then a publisher is at work and nothing was lost.
func (l *Log) Waiting() bool {
	next := l.Missing()
	if next-l.state.Seq-1 != uint64(len(l.pending)) || next == l.state.Seq+1 {
		return false
	}
	last := l.pending[next-1]
	if last.Key != wire.HeadKey {
		return false
	}
	h, err := wire.ParseHead(last.Body)
	return err == nil && h.More
}

// A Step leads from one state to a newer one.
type Step struct {
	State   *State
	Records []Record // everything in between, heads included, in stream order
}

// Advance steps to the newest complete head up to which nothing is missing. It
// returns nil if there is none. An error is a [*RejectError]: the state and
// what is pending are then what they were, for a later head may be right.
func (l *Log) Advance() (*Step, error) {
	var records, closed []Record
	var head wire.Head
	var headSeq uint64
	var refused error
	for seq := l.state.Seq + 1; ; seq++ {
		r, ok := l.pending[seq]
		if !ok {
			break
		}
		records = append(records, r)
		if r.Key != wire.HeadKey {
			continue
		}
		h, err := wire.ParseHead(r.Body)
		switch {
		case err != nil: // not ours: some stray write, which its publisher's next change mends
		case h.More:
		case l.follows(h) != nil:
			refused = l.follows(h)
		default:
			for i := len(closed); i < len(records); i++ {
				records[i].Generation = h.Generation
			}
			head, headSeq, closed, refused = h, seq, records, nil
		}
	}
	if headSeq == 0 {
		return nil, refused
	}
	return l.step(closed, head, headSeq)
}

func (l *Log) step(records []Record, head wire.Head, seq uint64) (*Step, error) {
	next := l.state.With(records, head, seq)
	if got := next.Digest().String(); got != head.Digest || next.Flags() != head.Flags {
		return nil, &RejectError{Head: head, Reason: fmt.Sprintf(
			"digest %s of %d flags, where its head says %s of %d", got, next.Flags(), head.Digest, head.Flags)}
	}
	for _, r := range records {
		delete(l.pending, r.Seq)
		l.bytes -= len(r.Key) + len(r.Body)
	}
	l.state = next
	return &Step{State: next, Records: records}, nil
}

// follows says why h cannot come after the state; nil if it can.
func (l *Log) follows(h wire.Head) error {
	now := l.state.Head
	switch {
	case now.Generation == 0:
		return nil
	case h.Incarnation != now.Incarnation:
		return &RejectError{Head: h, Reason: fmt.Sprintf("incarnation %s in the log of incarnation %s", h.Incarnation, now.Incarnation)}
	case h.Generation <= now.Generation:
		return &RejectError{Head: h, Reason: fmt.Sprintf("not above generation %d", now.Generation)}
	}
	return nil
}

// A RejectError says why a generation was refused.
type RejectError struct {
	Head   wire.Head
	Reason string
}

func (e *RejectError) Error() string {
	return fmt.Sprintf("generation %d refused: %s", e.Head.Generation, e.Reason)
}
