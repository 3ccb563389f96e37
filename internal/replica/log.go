package replica

import (
	"fmt"
	"maps"
	"slices"

	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/wire"
)

// maxPending bounds the bytes of records that wait for their head.
const maxPending = 64 << 20

// A Log turns records into states. It is not safe for concurrent use.
type Log struct {
	// Vouch, unless nil, says whether somebody who is trusted signed a head.
	// No head is then taken that comes after a signed one with the same or a
	// higher generation: it is an old one, shown once more.
	Vouch func(wire.Head) error

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

// Fork returns a log that goes on from where l is, by itself.
func (l *Log) Fork() *Log {
	return &Log{Vouch: l.Vouch, env: l.env, state: l.state, pending: maps.Clone(l.pending), bytes: l.bytes}
}

// Advance steps to the newest complete head that can be taken, of those up to
// which nothing is missing. It returns a nil step if there is none. judge,
// unless nil, is shown each state before it is taken, and refuses it with an
// error.
//
// An error is a [*RejectError] about the newest complete head, if that one is
// refused; there may be a step to an older one all the same. What was refused
// stays pending, for a later head may be right.
func (l *Log) Advance(judge func(next *State) error) (*Step, error) {
	records, heads := l.contiguous()
	var refused error
	for i, h := range slices.Backward(heads) {
		err := l.after(heads[:i], h)
		var next *State
		if err == nil {
			next, err = l.take(records[:h.end], h, judge)
		}
		if err == nil {
			return &Step{State: next, Records: records[:h.end]}, refused
		}
		if refused == nil {
			refused = err
		}
	}
	return nil, refused
}

// A closing is a complete head among pending records.
type closing struct {
	head wire.Head
	seq  uint64
	end  int // how many records there are up to it, itself included
}

// contiguous returns the records that follow the state without a gap, each
// with its generation, and the complete heads among them.
func (l *Log) contiguous() (records []Record, heads []closing) {
	for seq := l.state.Seq + 1; ; seq++ {
		r, ok := l.pending[seq]
		if mutation.Gaps {
			seq, r, ok = l.skip(seq)
		}
		if !ok {
			if mutation.NoCommit {
				heads = l.premature(records, heads)
			}
			return records, heads
		}
		records = append(records, r)
		if r.Key != wire.HeadKey {
			continue
		}
		// What does not parse is not ours: a stray write, which its
		// publisher's next change mends.
		h, err := wire.ParseHead(r.Body)
		if err != nil || h.More {
			continue
		}
		from := 0
		if len(heads) > 0 {
			from = heads[len(heads)-1].end
		}
		for i := from; i < len(records); i++ {
			records[i].Generation = h.Generation
		}
		heads = append(heads, closing{h, seq, len(records)})
	}
}

// after says why h cannot stand where it does, after the heads earlier.
func (l *Log) after(earlier []closing, h closing) error {
	// Every generation has a head, so that numbers cannot be skipped: one that
	// was invented would otherwise be the last.
	if now := l.state.Generation(); h.head.Generation > now+uint64(len(earlier))+1 {
		return &RejectError{Head: h.head, Reason: fmt.Sprintf(
			"%d heads after generation %d cannot lead there", len(earlier)+1, now)}
	}
	if l.Vouch == nil {
		return nil
	}
	for _, e := range earlier {
		if e.head.Incarnation == h.head.Incarnation && e.head.Generation >= h.head.Generation && l.Vouch(e.head) == nil {
			return &RejectError{Head: h.head, Reason: fmt.Sprintf(
				"it follows generation %d, which is signed: an old one, shown once more?", e.head.Generation)}
		}
	}
	return nil
}

// take goes over to the state that records lead to, or says why it cannot.
func (l *Log) take(records []Record, h closing, judge func(*State) error) (*State, error) {
	if err := l.state.precedes(h.head); err != nil {
		return nil, &RejectError{Head: h.head, Reason: err.Error()}
	}
	next := l.state.With(records, h.head, h.seq)
	for _, r := range records {
		// What stands in the end counts: a record that was too large may
		// have been put back.
		if e, _ := next.entries.Get(r.Key); len(e.Body) > wire.MaxBody {
			return nil, &RejectError{Head: h.head, Reason: fmt.Sprintf(
				"record %s has %d bytes, and %d is the most", r.Key, len(e.Body), wire.MaxBody)}
		}
	}
	if got := next.Digest().String(); !mutation.NoDigest && (got != h.head.Digest || next.Flags() != h.head.Flags) {
		return nil, &RejectError{Head: h.head, Reason: fmt.Sprintf(
			"digest %s of %d flags, where its head says %s of %d", got, next.Flags(), h.head.Digest, h.head.Flags)}
	}
	if judge != nil {
		if err := judge(next); err != nil {
			return nil, &RejectError{Head: h.head, Reason: err.Error()}
		}
	}
	for _, r := range records {
		delete(l.pending, r.Seq)
		l.bytes -= len(r.Key) + len(r.Body)
	}
	l.state = next
	return next, nil
}

// A Step leads from one state to a newer one.
type Step struct {
	State   *State
	Records []Record // everything in between, heads included, in stream order
}

// A RejectError says why a generation was refused.
type RejectError struct {
	Head   wire.Head
	Reason string
}

// Same says whether other is about the same head.
func (e *RejectError) Same(other *RejectError) bool {
	return e.Head.Incarnation == other.Head.Incarnation && e.Head.Generation == other.Head.Generation &&
		e.Head.Digest == other.Head.Digest
}

func (e *RejectError) Error() string {
	return fmt.Sprintf("generation %d refused: %s", e.Head.Generation, e.Reason)
}
