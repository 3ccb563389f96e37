package jsontree

import "iter"

// A Reader reads a text from the left to the right, value by value, into
// compact ones. Whatever is wrong with the text, or with the order in which it
// is read, the Reader tells at the end, see [Reader.AtEnd].
type Reader struct {
	d     decoder
	wrong bool
}

// NewReader returns a Reader at the beginning of data.
func NewReader(data []byte) *Reader {
	r := &Reader{d: decoder{data: data, compact: newCompact()}}
	r.d.begin()
	return r
}

// Value reads a value, and overwrites those that were read before. It is not ok
// if there is none, or one with an object that has a member twice.
func (r *Reader) Value() (v any, ok bool) {
	r.d.compact.reset()
	if !r.wrong {
		v, ok = r.d.value()
	}
	if !ok || r.d.repeated {
		r.wrong = true
		return nil, false
	}
	return v, true
}

// Next returns the first byte of what is to be read next, or 0 if there is
// nothing.
func (r *Reader) Next() byte { return r.d.peek() }

// Members reads an object. It yields the name of each member, which may be
// there twice, and expects that the value is read before the next.
func (r *Reader) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		for range r.inside('{', '}') {
			name, ok := r.d.name()
			if !ok {
				r.wrong = true
				return
			}
			if !yield(name) {
				return
			}
		}
	}
}

// Elements reads an array. It expects that each time the element is read.
func (r *Reader) Elements() iter.Seq[struct{}] { return r.inside('[', ']') }

func (r *Reader) inside(first, last byte) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		if r.wrong || r.d.peek() != first {
			r.wrong = true
			return
		}
		empty, ok := r.d.open(last)
		for more := ok && !empty; more; {
			if !yield(struct{}{}) {
				return
			}
			if more, ok = r.d.more(last); r.wrong {
				return
			}
		}
		r.wrong = r.wrong || !ok
	}
}

// A Mark is a place in a text, of a value that may be read later.
type Mark struct{ pos, depth int }

// Skip passes over an object or an array without a look at whether it is right,
// and returns where it begins.
func (r *Reader) Skip() Mark {
	first := r.d.peek()
	m := r.Here()
	r.wrong = r.wrong || first != '{' && first != '[' || !r.d.skipNested()
	return m
}

// Return goes to a place before or after the one that the Reader is at.
func (r *Reader) Return(to Mark) { r.d.pos, r.d.depth = to.pos, to.depth }

// Here returns the place that the Reader is at.
func (r *Reader) Here() Mark { return Mark{r.d.pos, r.d.depth} }

// AtEnd says whether all that was read was as it should be, and nothing follows.
func (r *Reader) AtEnd() bool { return !r.wrong && r.d.peek() == 0 && r.d.pos == len(r.d.data) }

// skipNested finds the end of an object or an array if it is right; if it is not, it
// finds any place, or none.
func (d *decoder) skipNested() bool {
	for open := 0; d.pos < len(d.data); {
		b := d.data[d.pos]
		d.pos++
		switch b {
		case '"':
			if !d.skipString() {
				return false
			}
		case '{', '[':
			open++
		case '}', ']':
			if open--; open == 0 {
				return true
			}
		}
	}
	return false
}

// skipString passes over a string from behind its opening quote.
func (d *decoder) skipString() bool {
	for {
		d.pos = d.plain(d.pos)
		if d.pos >= len(d.data) {
			return false
		}
		b := d.data[d.pos]
		d.pos++
		switch b {
		case '"':
			return true
		case '\\':
			d.pos++
		}
	}
}
