package lint

// circles tell where the references of evaluators lead. To follow them anew
// from each evaluator, as [syntax.Cycle] does, would take the cube of their
// number.
type circles struct {
	refs  func(name string) []string
	known map[string]step
}

// A step is how one goes on from an evaluator.
type step struct {
	leads bool   // into a circle
	open  bool   // it is being worked out
	next  string // the first reference that leads into a circle, if one does
}

// lead says whether one gets into a circle from the evaluator name.
func (c *circles) lead(name string) bool {
	if known, ok := c.known[name]; ok {
		return known.leads || known.open
	}
	c.known[name] = step{open: true}
	var found step
	for _, ref := range c.refs(name) {
		if c.lead(ref) {
			found = step{leads: true, next: ref}
			break
		}
	}
	c.known[name] = found
	return found.leads
}

// from returns what [syntax.Cycle] does: the names on the way from start into
// a circle and round, of which the last is also an earlier one; nil if there
// is no such way.
func (c *circles) from(start string) (path []string) {
	if !c.lead(start) {
		return nil
	}
	seen := make(map[string]bool)
	for name := start; ; name = c.known[name].next {
		path = append(path, name)
		if seen[name] {
			return path
		}
		seen[name] = true
	}
}

// members returns those of names that one comes back to from themselves, not
// only from others that they lead to.
func (c *circles) members(names []string) map[string]bool {
	members, walk := make(map[string]bool), make(map[string]int)
	for i, name := range names {
		for c.lead(name) && walk[name] == 0 {
			walk[name] = i + 1
			name = c.known[name].next
		}
		for walk[name] == i+1 && !members[name] {
			members[name] = true
			name = c.known[name].next
		}
	}
	return members
}
