package evaluator

import (
	"errors"
	"fmt"
)

// A SyntaxError is one mistake in a flag or in a document. Compilation joins
// all that it finds with errors.Join.
type SyntaxError struct {
	// Pointer is the JSON pointer (RFC 6901) of the mistake: relative to the
	// document, the flag or the settings, whichever was compiled. It is ""
	// for the whole of it.
	Pointer string

	Message string // for people
}

func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return e.Message
	}
	return e.Pointer + ": " + e.Message
}

// mistakes collects what is wrong with one thing: the first so many mistakes.
type mistakes []error

// maxMistakes are enough to correct at a time. Each may be as long as a rule is
// deep, and name what there is instead.
const maxMistakes = 100

func (m *mistakes) full() bool { return len(*m) >= maxMistakes }

func (m *mistakes) add(pointer, format string, args ...any) {
	if m.full() {
		return
	}
	*m = append(*m, &SyntaxError{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

// adopt takes over what was found wrong with the part at pointer.
func (m *mistakes) adopt(pointer string, found mistakes) {
	for _, err := range found {
		if m.full() {
			return
		}
		if s, ok := errors.AsType[*SyntaxError](err); ok {
			err = &SyntaxError{Pointer: pointer + s.Pointer, Message: s.Message}
		}
		*m = append(*m, err)
	}
}

func (m mistakes) err() error { return errors.Join(m...) }
