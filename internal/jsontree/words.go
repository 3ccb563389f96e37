package jsontree

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// A word is a string that has been read: the name of a member, an operator, a
// variant. It is so short that its bytes fit into two numbers, and since none
// of them is 0 the numbers tell it from all others, whatever their length.
type word struct {
	head, tail uint64
	text       string
	value      any // the text, once it was wanted as a value; in the vocabulary always
}

// asValue returns the text as a value. It costs no memory but the first time.
func (w *word) asValue() any {
	if w.value == nil {
		w.value = w.text
	}
	return w.value
}

// words remembers words, each at the one place where it may stand.
type words [512]word

// manyBytes is how long a text must be to be worth words of its own.
const manyBytes = 8 << 10

// vocabulary is what flags are written with: the words of the format and of
// its rules, and some that people choose often. It does not change.
var vocabulary = func() (known words) {
	for i := range known {
		known[i].value = "" // a place that is not taken is the empty word
	}
	for text := range strings.FieldsSeq(`
		flags metadata $schema $evaluators $ref
		key state ENABLED DISABLED variants defaultVariant targeting description
		if var == != in and or ! fractional sem_ver starts_with ends_with
		$flagd.flagKey targetingKey on off email version country
		=== !== !! < <= > >= + - * / % ~ ^ min max cat substr
		map filter reduce all none some merge missing missing_some current accumulator
		true false flagSetId owner team user name plan
	`) {
		var b [16]byte
		copy(b[:], text)
		head, tail := binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])
		if w := known.find(head, tail); w.head == 0 {
			*w = word{head: head, tail: tail, text: text, value: text}
		}
	}
	return known
}()

// find returns the place of a word: the high bits of a product depend on all
// bits of its factors.
func (w *words) find(head, tail uint64) *word {
	const mix = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	hash := (head ^ bits.RotateLeft64(tail*mix, 32)) * mix
	return &w[hash>>32%uint64(len(w))]
}

// word reads a string from behind its opening quote if it is a word; if it
// is not, it returns nil and has read nothing.
func (d *decoder) word() *word {
	rest := d.data[d.pos:]
	if len(rest) < 16 {
		return nil
	}
	head, tail := binary.LittleEndian.Uint64(rest), uint64(0)
	n := plainBytes(head)
	if n < 8 {
		head &= 1<<(8*n) - 1
	} else {
		tail = binary.LittleEndian.Uint64(rest[8:])
		more := plainBytes(tail)
		if more == 8 {
			return nil
		}
		tail &= 1<<(8*more) - 1
		n += more
	}
	if rest[n] != '"' {
		return nil
	}
	d.pos += n + 1
	w := d.words.find(head, tail)
	if w.head != head || w.tail != tail {
		if d.words == &vocabulary {
			w = &d.other // what all decoders share stays as it is
		}
		*w = word{head: head, tail: tail, text: string(rest[:n])}
	}
	return w
}
