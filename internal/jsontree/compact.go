package jsontree

// An Object is a JSON object with its members as they are written. No two of
// them have the same name.
type Object struct{ Members []Member }

// A Member is one name of an object, with its value.
type Member struct {
	Name  string
	Value any
}

// An Array is a JSON array.
type Array struct{ Elements []any }

// DecodeCompact is [Decode] for someone who looks at a value once: its objects
// are *Object and its arrays are *Array, which cost far less than maps. It is
// not ok either if an object has a member twice.
func DecodeCompact(data []byte) (v any, ok bool) {
	r := NewReader(data)
	v, ok = r.Value()
	return v, ok && r.AtEnd()
}

// Expand returns what [Decode] would have made of the compact value v: a value
// that has nothing in common with v but strings and numbers.
func Expand(v any) any {
	switch v := v.(type) {
	case *Object:
		return v.Expand()
	case *Array:
		if len(v.Elements) == 0 {
			return none
		}
		return ExpandAll(v.Elements)
	}
	return v
}

// Expand returns o as a map, or nil if o is nil.
func (o *Object) Expand() map[string]any {
	if o == nil {
		return nil
	}
	object := make(map[string]any, len(o.Members))
	for i := range o.Members {
		m := &o.Members[i]
		object[m.Name] = Expand(m.Value)
	}
	return object
}

// ExpandAll returns the values of compact ones.
func ExpandAll(list []any) []any {
	expanded := make([]any, len(list))
	for i, v := range list {
		expanded[i] = Expand(v)
	}
	return expanded
}

// compact is where compact values are. It is used anew for the next value, so
// that reading many costs as much memory as the largest of them.
type compact struct {
	objects  []Object
	members  []Member
	arrays   []Array
	elements []any
}

// Room for a usual flag.
const (
	fewObjects  = 16
	fewMembers  = 32
	fewArrays   = 16
	fewElements = 32
)

func newCompact() *compact {
	return &compact{
		objects:  make([]Object, 0, fewObjects),
		members:  make([]Member, 0, fewMembers),
		arrays:   make([]Array, 0, fewArrays),
		elements: make([]any, 0, fewElements),
	}
}

func (c *compact) reset() {
	c.objects, c.members, c.arrays, c.elements = c.objects[:0], c.members[:0], c.arrays[:0], c.elements[:0]
}

// object keeps an object. What was kept before stays where it is, even if there
// is no more room beside it.
func (c *compact) object(members []Member) *Object {
	first := len(c.members)
	c.members = append(c.members, members...)
	c.objects = append(c.objects, Object{c.members[first:len(c.members):len(c.members)]})
	return &c.objects[len(c.objects)-1]
}

func (c *compact) array(elements []any) *Array {
	first := len(c.elements)
	c.elements = append(c.elements, elements...)
	c.arrays = append(c.arrays, Array{c.elements[first:len(c.elements):len(c.elements)]})
	return &c.arrays[len(c.arrays)-1]
}

// manyMembers is from how many members on a map finds those that are there
// twice sooner than comparing all with each other.
const manyMembers = 16

func unique(members []Member) bool {
	if len(members) >= manyMembers {
		names := make(map[string]struct{}, len(members))
		for i := range members {
			names[members[i].Name] = struct{}{}
		}
		return len(names) == len(members)
	}
	for i := 1; i < len(members); i++ {
		for j := range i {
			if members[i].Name == members[j].Name {
				return false
			}
		}
	}
	return true
}
