package natskv

import (
	"errors"
	"fmt"
	"time"

	"github.com/flagline/flagline/internal/mutation"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
	"github.com/flagline/flagline/source"
)

// errNoBeacon is why a protected environment counts as lost: its broker can
// keep changes from us, and answer all the same.
var errNoBeacon = errors.New("no signed beacon of the control plane for 15 seconds")

// heard takes a beacon: proof that a control plane is alive, and word of its
// newest generation. It is a hint like any live message: it leads to a check,
// and never to a change.
func (f *follower) heard(body []byte) {
	if mutation.NoBeacon {
		return
	}
	b, err := wire.ParseBeacon(body)
	if err != nil || b.Protocol > wire.Protocol {
		return
	}
	if _, err := f.trust.Verify(b.Signed(f.env), b.Signatures); err != nil {
		f.logger.Debug("pass over a beacon", "err", err)
		return
	}
	if !b.Time.After(f.beacon.Time) {
		return // an old one, played again; or of a clock behind another's
	}
	f.beacon, f.heardAt = b, time.Now()

	now := f.log.State()
	head := wire.Head{Incarnation: b.Incarnation, Epoch: b.Epoch, Generation: b.Generation, Digest: b.Digest}
	switch {
	case b.Incarnation != now.Head.Incarnation, b.Generation > now.Generation():
		f.doubt()
	case now.Compare(head, now.Seq) == replica.Same:
		f.confirm(f.heardAt)
		f.check.Reset(jitter(f.pace.heard))
	case b.Generation == now.Generation():
		f.doubt()
	}
}

// current notes that NATS holds state: now, or, where its word does not count,
// when the control plane signed it.
func (f *follower) current(state *replica.State) {
	at := time.Now()
	if f.trust != nil {
		at = state.Head.Time
	}
	if at.After(f.confirmed) {
		f.confirmed = at
	}
}

// told says whether the state is the one of the last beacon, or a later one.
func (f *follower) told() bool {
	now := f.log.State().Head
	return now.Incarnation == f.beacon.Incarnation && now.Generation >= f.beacon.Generation
}

// confirm notes that the flags were what the environment held at a time.
func (f *follower) confirm(at time.Time) {
	if at.After(f.confirmed) {
		f.confirmed = at
	}
	if f.refused == nil && f.delivered {
		f.sink.Report(source.Status{Connected: true, Confirmed: f.confirmed})
	}
}

// agreed notes that NATS answered and holds what we have. In a protected
// environment its word alone does not count: it could be keeping changes back.
func (f *follower) agreed() {
	wait := f.pace.alone
	if time.Since(f.heardAt) < beaconsLost {
		wait = f.pace.heard
	}
	f.check.Reset(jitter(wait))
	switch {
	case f.trust == nil:
		f.confirm(time.Now())
	case time.Since(f.heardAt) < beaconsLost && f.told():
		f.confirm(f.heardAt)
	case time.Since(f.heardAt) < beaconsLost:
		f.check.Reset(jitter(retryLast))
		f.sink.Report(source.Status{Connected: false, Confirmed: f.confirmed, Err: fmt.Errorf(
			"the control plane has published generation %d, and NATS does not show it", f.beacon.Generation)})
	default:
		f.check.Reset(jitter(f.pace.alone))
		f.sink.Report(source.Status{Connected: false, Confirmed: f.confirmed, Err: errNoBeacon})
	}
}
