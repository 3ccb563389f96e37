package encoded

import "github.com/flagline/flagline/evaluator"

// Definition returns the flag, which must be the one that f was made for, as a
// member of the "flags" of a document: its key, a colon and its definition. It is
// nil if there is nothing that others could make sense of.
func (f *Flag) Definition(flag *evaluator.Flag) []byte {
	if kept := f.definition.Load(); kept != nil {
		return *kept
	}
	var member []byte
	if definition, err := flag.Definition(); err == nil {
		member = append(append(Text(f.key), ':'), definition...)
	}
	f.definition.Store(&member) // two who are first at once store the same
	return member
}
