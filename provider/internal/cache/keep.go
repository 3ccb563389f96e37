package cache

import (
	"container/list"
	"slices"
	"strings"
	"sync/atomic"
)

// A flag is what is known of one flag since its last change. A change makes
// another flag of it, with another id, so that nothing of before can be found,
// joined or kept under it.
type flag[A any] struct {
	name      string
	id        uint64
	static    [Kinds]atomic.Pointer[entry[A]]
	byContext atomic.Int64 // how many answers there are that depend on the context

	// members are those of the context that the answers depend on; nil is all.
	members atomic.Pointer[[]string]

	// Only for who holds the lock.
	entries list.List // of *entry[A]: all its answers
	calls   int       // how many are on their way
	dropped bool
}

// An entry is an answer that is kept.
type entry[A any] struct {
	answer   A
	flag     *flag[A]
	question question
	static   bool
	used     atomic.Bool // since it was kept, or last got away

	// Only for who holds the lock.
	inKept, inFlag *list.Element
}

// use marks e as used. It only writes if it must: many cores that write the
// same again and again would take the cache line from each other.
func (e *entry[A]) use() {
	if !e.used.Load() {
		e.used.Store(true)
	}
}

// flag returns the flag of this name, which is made if need be.
func (c *Cache[A]) flag(name string) *flag[A] {
	if f, ok := c.flags.Load(name); ok {
		return f
	}
	c.lastID++
	// A name may be a small part of something large, which it would hold.
	f := &flag[A]{name: strings.Clone(name), id: c.lastID}
	c.flags.Store(f.name, f)
	return f
}

// forgetIfIdle removes a flag of which nothing is kept and nothing is asked:
// names may come from outside, without end.
func (c *Cache[A]) forgetIfIdle(f *flag[A]) {
	if f.entries.Len() == 0 && f.calls == 0 && !f.dropped {
		c.flags.Delete(f.name)
	}
}

// keptFor returns the entry for q of f, or nil.
func (c *Cache[A]) keptFor(f *flag[A], q question, summable bool) *entry[A] {
	if q.kind >= Kinds {
		return nil
	}
	if e := f.static[q.kind].Load(); e != nil || !summable {
		return e
	}
	e, _ := c.answers.Load(q)
	return e
}

func (c *Cache[A]) keepStatic(asked *call[A]) {
	// It may be there already: questions with different contexts are not
	// identical, but may learn that the context is of no account.
	if kind := asked.question.kind; kind < Kinds && asked.flag.static[kind].Load() == nil {
		e := c.keep(asked)
		e.static = true
		e.flag.static[kind].Store(e)
	}
}

func (c *Cache[A]) keepByContext(asked *call[A]) {
	f, q := asked.flag, asked.question
	if q.kind >= Kinds {
		return
	}
	if f.members.Load() == nil && f.byContext.Load() == 0 {
		if members, ok := c.membersOf(asked.answer); ok {
			f.members.Store(&members)
		}
	}
	var ok bool
	if q.sum, ok = f.sum(asked.context); !ok {
		return
	}
	// What was asked in different contexts may be the same answer.
	if _, known := c.answers.Load(q); known {
		return
	}
	e := c.keep(asked)
	e.question = q
	f.byContext.Add(1)
	c.answers.Store(q, e)
}

func (c *Cache[A]) membersOf(answer A) (members []string, ok bool) {
	if c.Members == nil {
		return nil, false
	}
	return c.Members(answer)
}

// fits says whether an answer depends on no more than these members, which others
// of the flag said to depend on. If it does not, the flag has changed, and it is
// only the announcement that is not here yet.
func (c *Cache[A]) fits(answer A, members *[]string) bool {
	if members == nil {
		return true
	}
	its, ok := c.membersOf(answer)
	return ok && slices.Equal(its, *members)
}

// sum stands for what of ec the answers of the flag depend on.
func (f *flag[A]) sum(ec map[string]any) (Key, bool) {
	if members := f.members.Load(); members != nil {
		return sumOf(ec, *members)
	}
	return Sum(ec)
}

// keep makes an entry of an answer, and room for it.
func (c *Cache[A]) keep(asked *call[A]) *entry[A] {
	if c.kept.Len() >= c.limit {
		c.evict()
	}
	e := &entry[A]{answer: asked.answer, flag: asked.flag, question: asked.question}
	e.inKept = c.kept.PushBack(e)
	e.inFlag = e.flag.entries.PushBack(e)
	return e
}

// evict removes the entry that was not used for the longest time, or nearly
// so: the hand is at the front, and who is marked gets a second chance at the
// back. It goes round once at most, since marks are set all the while.
func (c *Cache[A]) evict() {
	for range c.kept.Len() {
		front := c.kept.Front()
		if !entryOf[A](front).used.Swap(false) {
			break
		}
		c.kept.MoveToBack(front)
	}
	e := entryOf[A](c.kept.Front())
	c.remove(e)
	c.forgetIfIdle(e.flag)
	c.counts.Evicted++
}

// remove takes e away from wherever it can be found.
func (c *Cache[A]) remove(e *entry[A]) {
	if e.static {
		e.flag.static[e.question.kind].Store(nil)
	} else {
		c.answers.Delete(e.question)
		e.flag.byContext.Add(-1)
	}
	e.flag.entries.Remove(e.inFlag)
	c.kept.Remove(e.inKept)
}

func (c *Cache[A]) drop(name string) {
	f, ok := c.flags.LoadAndDelete(name)
	if !ok {
		return
	}
	f.dropped = true
	for front := f.entries.Front(); front != nil; front = f.entries.Front() {
		c.remove(entryOf[A](front))
	}
}

func (c *Cache[A]) dropAll() {
	for _, f := range c.flags.All() {
		f.dropped = true
	}
	c.flags.Clear()
	c.answers.Clear()
	c.kept.Init()
}

func entryOf[A any](place *list.Element) *entry[A] { return place.Value.(*entry[A]) }
