// Package tally counts what a sidecar answers: by flag, by variant and by
// reason, and answers to questions about one flag apart from those of questions
// about all of them.
//
// A [Counter] is found once and kept where the answer is made. Counting then is
// one atomic addition:
//
//	c := counts.Counter("new-checkout", "on", evaluator.ReasonStatic)
//	...
//	c.Single()
//
// Whoever reports the figures, to Prometheus or to a control plane, reads them
// from here. They only grow, and they end with the process.
package tally

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flagline/flagline/evaluator"
)

// An Answer is what counts as the same.
type Answer struct {
	Flag    string // the flag's key; "" if there is no such flag
	Variant string // "" if the caller's own default value applied
	Reason  evaluator.Reason
	Code    evaluator.ErrorCode // "" unless Reason is ERROR
}

// Figures are how often an answer was given since the process began.
type Figures struct {
	Single uint64 // to questions about one flag
	Bulk   uint64 // among the answers to questions about all flags
}

// A Counter counts one answer. Its methods may be called at once from any
// number of goroutines; they take no lock and allocate nothing.
//
// It is neither padded nor split by processor: even if all goroutines count the
// same answer, an addition costs a few hundredths of what the answer costs, and
// there is a counter for each variant of each flag, which is memory.
type Counter struct {
	single, bulk atomic.Uint64

	answer Answer
}

// Single counts an answer to a question about one flag.
func (c *Counter) Single() { c.single.Add(1) }

// Bulk counts an answer about one flag among those about all of them.
func (c *Counter) Bulk() { c.bulk.Add(1) }

// A Tally holds the counters of a process. Its methods may be called at once
// from any number of goroutines.
type Tally struct {
	mu       sync.RWMutex
	counters map[Answer]*Counter
	ordered  []*Counter // as they were made; never changed but at its end
}

// New returns a tally that has counted nothing.
func New() *Tally { return &Tally{counters: map[Answer]*Counter{}} }

// Counter returns the counter of answers about a flag, always the same one for
// the same arguments. There is one for each combination for as long as the
// process lives: a key that callers made up must not come here.
func (t *Tally) Counter(key, variant string, reason evaluator.Reason) *Counter {
	return t.counter(Answer{Flag: key, Variant: variant, Reason: reason})
}

// Failure returns the counter of questions that ended in an error: those about
// the flag key or, if key is "", those that name no flag that exists.
func (t *Tally) Failure(key string, code evaluator.ErrorCode) *Counter {
	return t.counter(Answer{Flag: key, Reason: evaluator.ReasonError, Code: code})
}

func (t *Tally) counter(a Answer) *Counter {
	t.mu.RLock()
	c, ok := t.counters[a]
	t.mu.RUnlock()
	if ok {
		return c
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.counters[a]; ok {
		return c
	}
	c = &Counter{answer: a}
	t.counters[a] = c
	t.ordered = append(t.ordered, c)
	return c
}

// All yields every answer that has a counter, in the order in which the
// counters were made, with its figures at that moment. Figures may be zero.
// Counting and new counters do not wait for whoever iterates.
func (t *Tally) All() iter.Seq2[Answer, Figures] {
	return func(yield func(Answer, Figures) bool) {
		t.mu.RLock()
		counters := slices.Clip(t.ordered)
		t.mu.RUnlock()
		for _, c := range counters {
			if !yield(c.answer, Figures{Single: c.single.Load(), Bulk: c.bulk.Load()}) {
				return
			}
		}
	}
}
