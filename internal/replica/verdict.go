package replica

import (
	"fmt"

	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/wire"
)

// A Verdict says how the newest head of a log stands to a state.
type Verdict int

// The verdicts of [State.Compare].
const (
	Same     Verdict = iota // it is the state's own
	Newer                   // the state has to catch up
	WentBack                // the log is shorter than it was, or was written anew
	Another                 // another incarnation, made later: load it
	Earlier                 // another incarnation, made no later
)

// Compare says how head, stored at seq, stands to s. A replica that is behind
// looks like a log that went back: whoever asks one decides after asking again.
func (s *State) Compare(head wire.Head, seq uint64) Verdict {
	now := s.Head
	switch {
	case now.Generation == 0:
		return Newer
	case head.Incarnation != now.Incarnation && head.Epoch > now.Epoch:
		return Another
	case head.Incarnation != now.Incarnation:
		return Earlier
	case seq > s.Seq:
		return Newer
	case seq == s.Seq && head.Generation == now.Generation && head.Digest == now.Digest:
		return Same
	case mutation.LowerGeneration:
		return Another
	}
	return WentBack
}

// precedes says why head cannot come after s in the same log; nil if it can.
func (s *State) precedes(head wire.Head) error {
	now := s.Head
	switch {
	case head.Protocol > wire.Protocol:
		return fmt.Errorf("it speaks protocol %d, and this program only %d: a newer program is needed", head.Protocol, wire.Protocol)
	case now.Generation == 0:
		return nil
	case head.Incarnation != now.Incarnation:
		return fmt.Errorf("incarnation %s in the log of incarnation %s", head.Incarnation, now.Incarnation)
	case head.Generation <= now.Generation && !mutation.LowerGeneration:
		return fmt.Errorf("not above generation %d", now.Generation)
	}
	return nil
}

// Refuse is the error that v stands for, nil if it stands for none.
func (s *State) Refuse(v Verdict, head wire.Head) error {
	now := s.Head
	switch v {
	case WentBack:
		return &RejectError{Head: head, Reason: fmt.Sprintf(
			"the log went back from generation %d: was an older copy of it put in place? See flagline restore", now.Generation)}
	case Earlier:
		return &RejectError{Head: head, Reason: fmt.Sprintf(
			"incarnation %s with epoch %d, where incarnation %s has %d: was a bucket made from old data? See flagline restore",
			head.Incarnation, head.Epoch, now.Incarnation, now.Epoch)}
	}
	return nil
}
