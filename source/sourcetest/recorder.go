package sourcetest

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

// Patience is how long [Recorder.Await] waits. It is generous, because a test
// that waits for something that comes does not wait for long.
const Patience = 30 * time.Second

// A Recorder is a [source.Sink] that remembers what was delivered, so that a
// test can wait for it. The zero Recorder is ready to use; it must not be
// copied. Its methods may be called at once from any number of goroutines, but
// it notes when a source calls Apply and Report so, which the contract forbids.
type Recorder struct {
	// Reject decides what Apply answers. Nil rejects nothing. It is set
	// before the recorder is handed to a source.
	Reject func(source.Update) []source.Rejection

	calls   atomic.Int32 // under way
	overlap atomic.Bool

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed at the next call; nil if nobody waits
}

// A State is what a [Recorder] has seen up to a moment.
type State struct {
	Records map[ID]string // the bodies of what the origin holds
	Updates []source.Update
	Status  source.Status // the last one reported
	Reports int           // how many there were
}

// An ID tells the records of a [State] from each other.
type ID struct {
	Set, Key string
	Settings bool
}

// Apply implements [source.Sink].
func (r *Recorder) Apply(u source.Update) []source.Rejection {
	defer r.enter()()
	r.note(func(s *State) {
		s.Updates = append(s.Updates, u)
		if u.Replace || s.Records == nil {
			s.Records = map[ID]string{}
		}
		for _, rec := range u.Records {
			if rec.Body == nil {
				delete(s.Records, idOf(rec))
			} else {
				s.Records[idOf(rec)] = string(rec.Body)
			}
		}
	})
	if r.Reject == nil {
		return nil
	}
	return r.Reject(u)
}

// Report implements [source.Sink].
func (r *Recorder) Report(status source.Status) {
	defer r.enter()()
	r.note(func(s *State) {
		s.Status = status
		s.Reports++
	})
}

// State returns what was seen so far.
func (r *Recorder) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.clone()
}

// Overlapped reports whether a call came while another one was under way.
func (r *Recorder) Overlapped() bool { return r.overlap.Load() }

// Await returns the first state for which ok holds. It ends the test if there
// is none within [Patience]; what names, for people, what did not happen.
func (r *Recorder) Await(t testing.TB, what string, ok func(State) bool) State {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	for {
		s, changed := r.watch()
		if ok(s) {
			return s
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("the test ended while it waited for %s", what)
		case <-deadline.C:
			t.Fatalf("waited %v for %s; there were %d updates and the status is %+v; the records are %v",
				Patience, what, len(s.Updates), s.Status, s.Records)
		}
	}
}

// AwaitDocument waits until the records are exactly those of doc.
func (r *Recorder) AwaitDocument(t testing.TB, doc flagdoc.Document) State {
	t.Helper()
	want := RecordsOf(doc)
	return r.Await(t, "the records of the document", func(s State) bool {
		return len(s.Updates) > 0 && maps.Equal(s.Records, want)
	})
}

// RecordsOf returns what [State.Records] holds once doc was delivered.
func RecordsOf(doc flagdoc.Document) map[ID]string {
	records := map[ID]string{}
	for _, rec := range doc.Records() {
		records[idOf(rec)] = string(rec.Body)
	}
	return records
}

func idOf(rec source.Record) ID {
	if rec.Settings {
		return ID{Set: rec.Set, Settings: true}
	}
	return ID{Set: rec.Set, Key: rec.Key}
}

// enter notes that a call begins, and returns what notes that it ended.
func (r *Recorder) enter() func() {
	if r.calls.Add(1) > 1 {
		r.overlap.Store(true)
	}
	return func() { r.calls.Add(-1) }
}

func (r *Recorder) note(change func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.state)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// watch returns the state, and what is closed when it changes.
func (r *Recorder) watch() (State, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.state.clone(), r.changed
}

func (s State) clone() State {
	s.Records = maps.Clone(s.Records)
	s.Updates = slices.Clone(s.Updates)
	return s
}
