package provider

import (
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errSilentServer = errors.New("it has stopped answering, and one question at a time is sent to it until it does again")

// A pulse notices a server that is there and does not answer, such as one that is
// paused, or at the other end of a cable that was cut. Without it, each evaluation
// would wait out its deadline, for as long as gRPC takes to give the connection up.
type pulse struct {
	// hurry is how little time a question may have had to prove nothing: its
	// caller may have been in a hurry.
	hurry time.Duration

	heard  atomic.Int64 // when the server last said something, in Unix nanoseconds
	silent atomic.Bool  // nothing was heard since a question went unanswered
	trying atomic.Bool  // a question is out to see whether it still is
}

// begin says whether a question may go out, and returns what to call with what
// became of it.
func (p *pulse) begin() (done func(error), err error) {
	began := time.Now()
	if !p.silent.Load() {
		return func(err error) { p.note(began, err) }, nil
	}
	if !p.trying.CompareAndSwap(false, true) {
		return nil, errSilentServer
	}
	return func(err error) {
		p.note(began, err)
		p.trying.Store(false)
	}, nil
}

// note draws the conclusion from a question. One that ran out of time says that the
// server is silent, if that has said nothing to anybody meanwhile. One that was
// cancelled, or that found no server, says nothing.
func (p *pulse) note(began time.Time, err error) {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		if time.Since(began) >= p.hurry && p.heard.Load() < began.UnixNano() {
			p.silent.Store(true)
		}
	case codes.Canceled, codes.Unavailable:
	default:
		p.beat()
	}
}

// beat notes that the server has said something.
func (p *pulse) beat() {
	p.heard.Store(time.Now().UnixNano())
	if p.silent.Load() {
		p.silent.Store(false)
	}
}
