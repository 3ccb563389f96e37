package sidecar

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/flagline/flagline/sidecar/internal/manage"
	"github.com/flagline/flagline/source"
)

// An observed sink tells operators what passes through it.
type observed struct {
	source.Sink

	watch  *manage.Service
	origin string
	log    *slog.Logger

	reported bool
	last     source.Status
	trim     *time.Timer // nil until there was a large update
	due      time.Time   // when memory is given back, or was
}

// To load many flags takes several times the memory that they need once they are
// loaded. It is given back a moment after an update of so many records, when its
// source has let go of them, but not all the time: sources that always tell
// everything do so for each change, and giving back costs a collection.
const (
	largeUpdate = 10_000
	aMoment     = 300 * time.Millisecond
	aWhile      = time.Minute
)

func (o *observed) giveBack() {
	now := time.Now()
	if now.Before(o.due) {
		return // it will be, soon enough
	}
	wait := max(aMoment, o.due.Add(aWhile).Sub(now))
	o.due = now.Add(wait)
	if o.trim == nil {
		o.trim = time.AfterFunc(wait, debug.FreeOSMemory)
		return
	}
	o.trim.Reset(wait)
}

// end is called when nothing passes through any more.
func (o *observed) end() {
	if o.trim != nil {
		o.trim.Stop()
	}
}

// Apply passes u on and names the flags that could not be compiled, of which the
// last good version, if there was one, stays.
func (o *observed) Apply(u source.Update) []source.Rejection {
	rejected := o.Sink.Apply(u)
	if len(u.Records) >= largeUpdate {
		o.giveBack()
	}
	o.watch.Rejected(u.Version.Generation, rejected)
	o.log.Info("apply flags", "origin", o.origin, "generation", u.Version.Generation)
	for _, r := range rejected {
		o.log.Error("refuse a version of a flag", "origin", o.origin, "generation", u.Version.Generation,
			"set", r.Set, "flag", r.Key, "err", r.Reason)
	}
	return rejected
}

// Report passes st on, and logs it if it differs from the one before in more
// than its time.
func (o *observed) Report(st source.Status) {
	o.Sink.Report(st)
	if o.reported && o.last.Connected == st.Connected && text(o.last.Err) == text(st.Err) {
		return
	}
	o.reported, o.last = true, st
	switch {
	case st.Err != nil:
		o.log.Warn("source is troubled", "origin", o.origin, "err", st.Err)
	case st.Connected:
		o.log.Info("source is connected", "origin", o.origin)
	default:
		o.log.Warn("source is away", "origin", o.origin)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
