package provider

import (
	"errors"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errSilentServer = errors.New("it has stopped answering, and one question at a time is sent to it until it does again")

// A pulse notices a server that is there and does not answer, such as one that is
// paused, or at the other end of a cable that was cut. Without it, each evaluation
// would wait out its deadline, for as long as gRPC takes to give the connection up.
type pulse struct {
	silent atomic.Bool // nothing was heard since a question went unanswered
	trying atomic.Bool // a question is out to see whether it still is
}

// begin says whether a question may go out, and returns what to call when it is
// over: with its error, and whether it was the deadline that ended it.
func (p *pulse) begin() (done func(err error, late bool), err error) {
	if !p.silent.Load() {
		return p.note, nil
	}
	if !p.trying.CompareAndSwap(false, true) {
		return nil, errSilentServer
	}
	return func(err error, late bool) {
		p.note(err, late)
		p.trying.Store(false)
	}, nil
}

func (p *pulse) note(err error, late bool) {
	switch {
	case late:
		p.silent.Store(true)
	case status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled:
		p.beat()
	}
}

// beat notes that the server has said something.
func (p *pulse) beat() {
	if p.silent.Load() {
		p.silent.Store(false)
	}
}
