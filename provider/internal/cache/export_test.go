package cache

// Halves returns the two hashes of a key.
func (k Key) Halves() (first, second uint64) { return k.first, k.second }

// Flags returns how many flags the cache knows of.
func (c *Cache[A]) Flags() int { return c.flags.Size() }

// AnswersByContext returns how many answers there are in the table of those
// that depend on the context.
func (c *Cache[A]) AnswersByContext() int { return c.answers.Size() }

// Sums reports whether Find sums up the context for this flag, unless it has a
// static answer of the kind.
func (c *Cache[A]) Sums(flag string) bool {
	f, ok := c.flags.Load(flag)
	return ok && f.byContext.Load() != 0
}
