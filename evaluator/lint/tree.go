package lint

// A tree is a JSON value that has been read. It takes a few bytes for each
// value and lays them out in the order of the text, so that it costs next to
// nothing to make and can be written over by the next one. Its root is 0.
type tree struct {
	data  []byte
	nodes []node
}

// A node is a value, or the name of a member, which its value follows.
type node struct {
	shape  shape
	plain  bool  // a string that means what stands there: it has no escapes
	start  int32 // of its text, without the quotes if it is a string
	end    int32
	next   int32 // the node after everything that is inside of this one
	length int32 // how many members or elements it has
}

// A shape is a type of JSON.
type shape uint8

const (
	isNull shape = 1 << iota
	isBool
	isNumber
	isString
	isArray
	isObject
)

func (t *tree) text(at int32) []byte { return t.data[t.nodes[at].start:t.nodes[at].end] }

// is says whether a value is of one of the shapes that are wanted.
func (t *tree) is(at int32, wanted shape) bool { return t.nodes[at].shape&wanted != 0 }

// next returns the node after a value and all that is inside of it.
func (t *tree) next(at int32) int32 { return t.nodes[at].next }

// values returns what a loop over the elements of an array, or over the values
// of an object's members, needs: where to start, where to end, and how many
// nodes to pass over between two of them.
func (t *tree) values(at int32) (first, end, step int32) {
	if t.is(at, isObject) {
		step = 1 // the name
	}
	return at + 1 + step, t.next(at), step
}

// are says whether at is an array or an object, as container says, that holds
// only values of the shapes that are wanted.
func (t *tree) are(at int32, container, wanted shape) bool {
	if !t.is(at, container) {
		return false
	}
	first, end, step := t.values(at)
	for value := first; value < end; value = t.next(value) + step {
		if !t.is(value, wanted) {
			return false
		}
	}
	return true
}
