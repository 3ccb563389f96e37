// Package jsontree decodes JSON into the values that encoding/json makes of it
// when it is asked for an any, several times faster.
//
// It is made for documents of many flags, in which a few dozen names and words
// stand over and over again. encoding/json stays the authority: what it says
// of a text is what this package must say of it, and it is asked for the words
// when there is something wrong.
package jsontree

// maxDepth is how deep objects and arrays may stand in each other, for
// encoding/json and so for us.
const maxDepth = 10_000

// Decode returns the JSON value that is the whole of data: nil, a bool,
// float64, string, []any or map[string]any, all equal to what json.Unmarshal
// stores in an any. It is not ok if json.Unmarshal would return an error.
//
// The value is unique if no object in it has two members of the same name. If
// one does, the last counts.
//
// Nothing in v refers to data. Equal short strings may share their bytes.
func Decode(data []byte) (v any, unique, ok bool) {
	d := decoder{data: data}
	d.begin()
	v, ok = d.value()
	if !ok || d.peek() != 0 || d.pos < len(data) {
		return nil, false, false
	}
	return v, !d.repeated, true
}

// A decoder reads a text from the left to the right, once.
type decoder struct {
	data []byte
	pos  int

	depth    int
	repeated bool // whether an object had a member twice

	// What has been read of the objects and arrays that are open, the innermost
	// last: only at their end it is known how much room they need.
	members  []Member
	elements []any

	compact *compact // where compact values go; nil if they shall be maps and slices

	words *words
	other word   // the word that was read last if words may not change
	text  []byte // room for a string that is not written as it is

	// Enough for a flag or two, so that these cost no further allocation.
	room struct {
		members  [8]Member
		elements [8]any
	}
}

func (d *decoder) begin() {
	d.members, d.elements = d.room.members[:0], d.room.elements[:0]
	d.words = &vocabulary
	if len(d.data) >= manyBytes {
		known := vocabulary
		d.words = &known
	}
}

// peek returns the next byte that is not white space, or 0 at the end; a 0 in
// the text is as good as the end, nothing may begin with it.
func (d *decoder) peek() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch b := d.data[d.pos]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

func (d *decoder) value() (any, bool) {
	switch d.peek() {
	case '"':
		return d.stringValue()
	case '{':
		return d.object()
	case '[':
		return d.array()
	case 't':
		return true, d.literal("true")
	case 'f':
		return false, d.literal("false")
	case 'n':
		return nil, d.literal("null")
	default:
		return d.number()
	}
}

func (d *decoder) literal(want string) bool {
	rest := d.data[d.pos:]
	d.pos += len(want)
	return len(rest) >= len(want) && string(rest[:len(want)]) == want
}

// open reads the first byte of an object or an array, and the last if there is
// nothing inside.
func (d *decoder) open(end byte) (empty, ok bool) {
	if d.depth == maxDepth {
		return false, false
	}
	d.pos++
	if d.peek() == end {
		d.pos++
		return true, true
	}
	d.depth++
	return false, true
}

// more reads what follows a member or an element.
func (d *decoder) more(end byte) (more, ok bool) {
	switch d.peek() {
	case ',':
		d.pos++
		return true, true
	case end:
		d.pos++
		d.depth--
		return false, true
	}
	return false, false
}

func (d *decoder) object() (any, bool) {
	empty, ok := d.open('}')
	if !ok {
		return nil, false
	}
	if empty {
		if d.compact != nil {
			return d.compact.object(nil), true
		}
		return map[string]any{}, true
	}
	outer := len(d.members)
	for more := true; more; {
		var m Member
		if m.Name, ok = d.name(); !ok {
			return nil, false
		}
		if m.Value, ok = d.value(); !ok {
			return nil, false
		}
		d.members = append(d.members, m)
		if more, ok = d.more('}'); !ok {
			return nil, false
		}
	}
	members := d.members[outer:]
	d.members = d.members[:outer]
	if d.compact == nil {
		return d.collect(members), true
	}
	d.repeated = d.repeated || !unique(members)
	return d.compact.object(members), true
}

func (d *decoder) collect(members []Member) map[string]any {
	object := make(map[string]any, len(members))
	for i := range members {
		object[members[i].Name] = members[i].Value
	}
	if len(object) < len(members) {
		d.repeated = true
	}
	return object
}

// name reads the name of a member and the colon.
func (d *decoder) name() (string, bool) {
	if d.peek() != '"' {
		return "", false
	}
	d.pos++
	var name string
	if w := d.word(); w != nil {
		name = w.text
	} else if s, ok := d.string(); ok {
		name = s
	} else {
		return "", false
	}
	if d.peek() != ':' {
		return "", false
	}
	d.pos++
	return name, true
}

// none is an array without elements, which nobody can change.
var none any = []any{}

func (d *decoder) array() (any, bool) {
	empty, ok := d.open(']')
	if !ok {
		return nil, false
	}
	if empty {
		if d.compact != nil {
			return d.compact.array(nil), true
		}
		return none, true
	}
	outer := len(d.elements)
	for more := true; more; {
		element, ok := d.value()
		if !ok {
			return nil, false
		}
		d.elements = append(d.elements, element)
		if more, ok = d.more(']'); !ok {
			return nil, false
		}
	}
	elements := d.elements[outer:]
	d.elements = d.elements[:outer]
	if d.compact != nil {
		return d.compact.array(elements), true
	}
	array := make([]any, len(elements))
	copy(array, elements)
	return array, true
}
