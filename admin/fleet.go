package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flagline/flagline/internal/wire"
)

// How long the word of an instance counts.
const (
	silentAfter    = 45 * time.Second // three missed reports
	forgottenAfter = 15 * time.Minute // it will hardly come back under that name
	staleAfter     = time.Minute
)

// What a fleet keeps of reports, so that one that is flooded with inventions
// stays a burden that can be carried.
const (
	maxInstances   = 20_000
	maxName        = 256 // bytes of a name
	maxText        = 512 // bytes of a reason
	maxQuarantined = 100 // flags that are named
)

// What an instance can be seen to be.
const (
	InstanceApplied  = "applied"
	InstanceRejected = "rejected" // it refused the newest generation it saw, or a flag of it
	InstanceStale    = "stale"    // it has not known for a minute that it is current
	InstanceSilent   = "silent"   // it has not reported for 45 seconds
)

// A Fleet knows the instances of one environment from what they report of
// themselves. It begins empty: an instance is known from its first report
// until it says goodbye or has been silent for 15 minutes. Its methods may be
// called from any number of goroutines.
type Fleet struct {
	mu      sync.Mutex
	members map[string]sighting
	news    chan struct{} // closed at the next report
}

// A sighting is the last word of an instance, and when it was heard.
type sighting struct {
	wire.Report
	at time.Time
}

// An Instance is one sidecar or in-process provider as the fleet knows it.
type Instance struct {
	Name       string
	Service    string
	Version    string // of the program
	Generation uint64
	Digest     string
	State      string // one of the Instance constants
	Reason     string // for people: why it rejected or is stale
	Age        time.Duration
}

// Convergence says how far a generation has come in a fleet.
type Convergence struct {
	Generation uint64
	Expected   int // the instances that are known
	Applied    int // those that are on Generation, or a later one
	Rejected   []Rejected
	Silent     []string // who has not reported for 45 seconds
}

// Rejected is an instance that refused a generation.
type Rejected struct {
	Instance string
	Reason   string
}

// Complete says whether there is an instance and every one of them applied
// the generation.
func (c Convergence) Complete() bool { return c.Expected > 0 && c.Applied == c.Expected }

// NewFleet returns a fleet that knows nobody.
func NewFleet() *Fleet {
	return &Fleet{members: make(map[string]sighting), news: make(chan struct{})}
}

// Note takes a report that was heard at the time now.
func (f *Fleet) Note(report wire.Report, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, known := f.members[report.Instance]
	switch {
	case report.Goodbye:
		delete(f.members, report.Instance)
	case !known && len(f.members) >= maxInstances, len(report.Instance) > maxName:
		return // whoever may report at all may invent instances
	default:
		f.members[report.Instance] = sighting{bounded(report), now}
	}
	close(f.news)
	f.news = make(chan struct{})
}

// bounded shortens what is longer than it needs to be.
func bounded(r wire.Report) wire.Report {
	cut := func(s string, most int) string { return s[:min(len(s), most)] }
	r.Service, r.Version, r.Reason = cut(r.Service, maxName), cut(r.Version, maxName), cut(r.Reason, maxText)
	r.Quarantined = r.Quarantined[:min(len(r.Quarantined), maxQuarantined)]
	for i, q := range r.Quarantined {
		r.Quarantined[i] = wire.Flag{Set: cut(q.Set, maxName), Key: cut(q.Key, maxName), Reason: cut(q.Reason, maxText)}
	}
	return r
}

// Instances lists who is known, in byte order of their names.
func (f *Fleet) Instances() []Instance {
	now := time.Now()
	list := []Instance{}
	for _, s := range f.known(now) {
		state, reason := s.state(now)
		list = append(list, Instance{
			Name:       s.Instance,
			Service:    s.Service,
			Version:    s.Version,
			Generation: s.Generation,
			Digest:     s.Digest,
			State:      state,
			Reason:     reason,
			Age:        s.age(now),
		})
	}
	return list
}

// Convergence says how far generation has come. An instance that rejected
// anything since it applied an earlier generation counts as rejecting.
func (f *Fleet) Convergence(generation uint64) Convergence {
	return f.convergence(generation, time.Time{})
}

// Wait returns once every instance that is known has applied or rejected
// generation, or once ctx is done. It does not wait if nobody is known.
func (f *Fleet) Wait(ctx context.Context, generation uint64) Convergence {
	begun := time.Now()
	for {
		f.mu.Lock()
		news := f.news
		f.mu.Unlock()

		c := f.convergence(generation, begun)
		if c.Applied+len(c.Rejected) >= c.Expected {
			return c
		}
		select {
		case <-news:
		case <-ctx.Done():
			return f.Convergence(generation)
		}
	}
}

// convergence counts a rejection of an earlier generation only if it was heard
// since the time given: before that, it is about something else.
func (f *Fleet) convergence(generation uint64, since time.Time) Convergence {
	now := time.Now()
	c := Convergence{Generation: generation, Rejected: []Rejected{}, Silent: []string{}}
	for _, s := range f.known(now) {
		c.Expected++
		refused, reason := s.refused()
		switch {
		case refused && (s.Generation >= generation || s.at.After(since)):
			c.Rejected = append(c.Rejected, Rejected{s.Instance, reason})
		case !refused && s.Generation >= generation:
			c.Applied++
		case s.silent(now):
			c.Silent = append(c.Silent, s.Instance)
		}
	}
	return c
}

// known returns the instances in order, without those to be forgotten.
func (f *Fleet) known(now time.Time) []sighting {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.members, func(_ string, s sighting) bool { return now.Sub(s.at) >= forgottenAfter })
	return slices.SortedFunc(maps.Values(f.members), func(a, b sighting) int {
		return cmp.Compare(a.Instance, b.Instance)
	})
}

func (s sighting) state(now time.Time) (state, reason string) {
	refused, reason := s.refused()
	switch {
	case s.silent(now):
		return InstanceSilent, fmt.Sprintf("no report for %d s", int(now.Sub(s.at).Seconds()))
	case refused:
		return InstanceRejected, reason
	case s.age(now) >= staleAfter:
		return InstanceStale, s.Reason
	}
	return InstanceApplied, ""
}

func (s sighting) silent(now time.Time) bool { return now.Sub(s.at) >= silentAfter }

// refused says whether the instance holds anything older than what it was
// sent, and why.
func (s sighting) refused() (refused bool, reason string) {
	if s.State == wire.StateRejected {
		return true, s.Reason
	}
	return len(s.Quarantined) > 0, s.quarantine()
}

// quarantine says which flags the instance could not take.
func (s sighting) quarantine() string {
	var words []string
	for _, q := range s.Quarantined {
		words = append(words, fmt.Sprintf("flag %q: %s", q.Key, q.Reason))
	}
	return strings.Join(words, "; ")
}

// age is how long ago the instance last knew that it was current.
func (s sighting) age(now time.Time) time.Duration {
	return time.Duration(s.AgeSeconds*float64(time.Second)) + max(now.Sub(s.at), 0)
}
