package lint

// Skim returns what [Document] finds before it asks the evaluator, and how
// many flags it had to look at twice. It is false if the document has to be
// studied.
func Skim(data []byte) (found []Finding, doubtful int, ok bool) {
	k, ok := skim(data)
	if !ok {
		return nil, 0, false
	}
	return k.criticised().sorted(), len(k.doubtful), true
}

// Study returns what [Document] finds before it asks the evaluator if it goes
// the long way, from which the short one must not lead astray.
func Study(data []byte) []Finding {
	c, found := study(data)
	if found != nil {
		return found
	}
	return c.sorted()
}

// Spell is [Spelling] the long way, for what is UTF-8.
func Spell(data []byte) []Finding { return spell(data) }

// Circles returns the function that leads from an evaluator into a circle.
func Circles(refs func(name string) []string) func(start string) []string {
	c := circles{refs: refs, known: make(map[string]step)}
	return c.from
}
