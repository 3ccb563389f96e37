// Package cache keeps the answers of a sidecar where they were asked for, for
// as long as no change is announced.
//
// An answer says of itself whether it may be kept ([Keep]): as the answer to
// everybody, or to whoever asks with an equal context. [Cache.Ask] finds it, or
// asks; who asks the same at the same moment waits for the one question that
// went out:
//
//	answers := cache.New[answer](1000)
//	answers.Listen() // from here on, each change is told to Drop
//	a, err := answers.Ask(ctx, "new-checkout", kindBool, ec, func(ctx context.Context) (answer, cache.Keep, error) {
//		...
//	})
//
// # What may be relied on
//
// An answer is kept only if no change of its flag was announced since its
// question was sent, and only while somebody listens for changes. Who asks
// after [Cache.Drop] has returned is not told what was dropped: it is not found,
// and a later question does not join an earlier one.
//
// There are never more answers than [New] was told. Who makes room for a new
// one is the least recently used, approximated by second chance (CLOCK): a hit
// marks an answer, and a hand that goes round takes the first that was not
// marked since it last came by. Exact order would need a lock at each hit.
//
// A hit takes no lock, allocates nothing and writes nothing that other cores
// have to wait for. That is what the lock-free map of package xsync is for:
// sync.Map would allocate at each look-up, to put the key in an interface. Who misses takes a lock, shortly, before and after asking.
//
// Contexts are personal data, and are not retained: an answer that depends on
// one is kept under a sum of it ([Sum]).
package cache

import (
	"container/list"
	"sync"
	"time"

	"github.com/puzpuzpuz/xsync/v4"
)

// Keep is what an answer says of itself: whether, and to whom, it may be given
// again.
type Keep uint8

const (
	// Never is an answer that may be another one the next time.
	Never Keep = iota
	// Static is the answer to everybody until the flag changes.
	Static
	// ByContext is the answer to whoever asks with an equal context until the
	// flag changes.
	ByContext
)

// Kinds is how many kinds of value there may be: kinds are numbers below it.
// Answers of other kinds are never kept.
const Kinds = 8

// A Cache keeps answers of type A. Its methods may be called at once from any
// number of goroutines. Answers are handed out as they came in, to any number
// of callers: what A refers to must not be changed.
type Cache[A any] struct {
	// Members, unless nil, returns which members of the context an answer
	// depends on that is kept by context; ok is false if it may be any. If it
	// says otherwise than of the flag's answers before, the flag has changed. It
	// is set before the first question.
	Members func(answer A) (members []string, ok bool)

	// What hits read. Only who holds mu writes.
	flags   *xsync.Map[string, *flag[A]]
	answers *xsync.Map[question, *entry[A]] // those that depend on the context
	hits    tally

	_ [64]byte // keeps what hits read out of the cache line of the lock

	mu        sync.Mutex
	limit     int
	listening bool
	lastID    uint64
	calls     map[question]*call[A] // those that others may join
	kept      list.List             // of *entry[A]: all answers, those to be evicted first in front
	counts    Stats                 // but for Hits and Entries
}

// A question is what two callers have in common who can share an answer.
type question struct {
	flag uint64 // flag.id
	kind uint64
	sum  Key
}

// Stats counts what a cache did since it was made.
type Stats struct {
	Hits      uint64        // questions that were answered from memory
	Misses    uint64        // questions that were not
	Collapsed uint64        // misses that waited for somebody else's question
	Evicted   uint64        // answers that made room for others
	Entries   int           // answers that are kept at this moment
	Calls     uint64        // questions that went out, and have come back
	CallTime  time.Duration // how long these took, in total
}

// New returns a cache for at most so many entries. It keeps nothing before
// [Cache.Listen] was called; with entries of 0 or less it never does, but still
// lets only one of several identical questions out, and counts.
func New[A any](entries int) *Cache[A] {
	return &Cache[A]{
		flags:   xsync.NewMap[string, *flag[A]](),
		answers: xsync.NewMap[question, *entry[A]](),
		limit:   entries,
		calls:   make(map[question]*call[A]),
	}
}

// Find returns the answer that is kept for whoever asks with ec, if there is
// one. It counts a hit, but not a miss, which is for [Cache.Ask] to count.
//
// A context is summed up only for flags with answers that depend on it.
func (c *Cache[A]) Find(flag string, kind uint8, ec map[string]any) (answer A, ok bool) {
	f, ok := c.flags.Load(flag)
	if !ok || kind >= Kinds {
		return answer, false
	}
	e := f.static[kind].Load()
	if e == nil {
		if f.byContext.Load() == 0 {
			return answer, false
		}
		sum, ok := f.sum(ec)
		if !ok {
			return answer, false
		}
		if e, ok = c.answers.Load(question{f.id, uint64(kind), sum}); !ok {
			return answer, false
		}
	}
	e.use()
	c.hits.add()
	return e.answer, true
}

// Listen says that from now on each change is announced by [Cache.Drop] or
// [Cache.DropAll], until [Cache.Pause]. Everything that was kept or asked
// before is dropped: it may have changed while nobody listened.
func (c *Cache[A]) Listen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropAll()
	c.listening = true
}

// Pause says that changes are not announced for the time being. Nothing new is
// kept, also of what was asked already; what is kept goes on answering until it
// is dropped.
func (c *Cache[A]) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listening = false
}

// Drop says that these flags changed. When it returns nobody finds an answer
// from before, and no answer to a question from before will be kept. The cost
// is that of what is dropped, however much else is kept.
func (c *Cache[A]) Drop(flags ...string) {
	for _, name := range flags {
		// One at a time, so that questions about others get in between.
		c.mu.Lock()
		c.drop(name)
		c.mu.Unlock()
	}
}

// DropAll says that everything may have changed. It is [Cache.Drop] for all
// flags.
func (c *Cache[A]) DropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropAll()
}

// Stats returns the counts of this moment. What is going on at the same time
// may be in one of them and not yet in another.
func (c *Cache[A]) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.counts
	stats.Hits = c.hits.sum()
	stats.Entries = c.kept.Len()
	return stats
}
