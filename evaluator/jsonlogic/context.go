package jsonlogic

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// flagdProperties is the member of the context that is not the caller's.
const flagdProperties = "$flagd"

// A ContextError says that a value that a rule reads from the context is none
// that JSON could carry.
type ContextError struct {
	Variable string // as the rule names it; "" for the whole context
	Err      error
}

func (e *ContextError) Error() string {
	if e.Variable == "" {
		return fmt.Sprintf("the context cannot be written as JSON: %v", e.Err)
	}
	return fmt.Sprintf("%q of the context cannot be written as JSON: %v", e.Variable, e.Err)
}

// Unwrap returns the cause.
func (e *ContextError) Unwrap() error { return e.Err }

// A variable is one that a program reads.
type variable struct {
	name  string // of the member of the context
	exact bool   // that its text may not be UTF-8 makes a difference
	more  *more  // nil for most: members of the context, null if they are not there
}

// more is what else there may be to a variable.
type more struct {
	path     []string // from the context on, the name included; nil if that is all
	fallback value    // what to give in its place
	classes  classes
}

func (v *variable) orElse() value {
	if v.more == nil {
		return nothing
	}
	return v.more.fallback
}

func (v *variable) path() []string {
	if v.more == nil || v.more.path == nil {
		return []string{v.name}
	}
	return v.more.path
}

// is says whether v is read from path.
func (v *variable) is(path []string) bool {
	if v.more == nil || v.more.path == nil {
		return len(path) == 1 && path[0] == v.name
	}
	return slices.Equal(v.more.path, path)
}

func (v *variable) addClasses(c classes) {
	if v.more == nil {
		v.more = &more{fallback: nothing}
	}
	v.more.classes = c
}

// slots are the variables of a program.
type slots []variable

// add returns a node that reads what n, an opPath, reads, from a slot if there
// are slots left.
func (s *slots) add(n node) node {
	n.op = opPath
	at := slices.IndexFunc(*s, func(known variable) bool {
		return known.is(n.path) && sameConstant(known.orElse(), n.val)
	})
	if at < 0 {
		if len(*s) == maxSlots {
			return n
		}
		at = len(*s)
		v := variable{name: n.path[0]}
		if len(n.path) > 1 || v.name == flagdProperties {
			v.more = &more{path: n.path, fallback: n.val}
		} else if n.val.kind != null {
			v.more = &more{fallback: n.val}
		}
		*s = append(*s, v)
	}
	n.op, n.slot = opSlot, uint16(at) //nolint:gosec // at most maxSlots
	return n
}

const (
	maxSlots = 1_000  // how many variables a program remembers
	noSlot   = 0xFFFF // the slot of tests that are about no variable
)

// sameConstant is false for arrays and objects.
func sameConstant(a, b value) bool {
	return a.kind == b.kind && a.kind <= text && math.Float64bits(a.num) == math.Float64bits(b.num) && a.text() == b.text()
}

// load reads variable i. Most variables are texts at the top of the context.
func (m *machine) load(into *value, i uint16) {
	v := &m.program.variables[i]
	if v.more != nil && v.more.path != nil {
		*into = m.lookupContext(v.more.path, v.more.fallback)
	} else {
		raw := m.in.Context[v.name]
		if s, ok := raw.(string); ok && (!v.exact || utf8.ValidString(s)) {
			into.ref, into.kind = raw, text
		} else {
			*into = m.take(raw, v.path, v.orElse())
		}
	}
	if v.more != nil && v.more.classes != nil && into.kind == text {
		into.num = v.more.classes.of(into.text())
	}
}

// lookupContext follows path, which has at least one step, into the context.
func (m *machine) lookupContext(path []string, fallback value) value {
	if path[0] == flagdProperties {
		return m.lookupFlagd(path[1:], fallback)
	}
	v := m.in.Context[path[0]]
	for _, step := range path[1:] {
		inner, ok := m.step(v, step, path)
		if !ok {
			return fallback
		}
		v = inner
	}
	if s, ok := v.(string); ok {
		if m.charge(len(s) / bytesPerStep); utf8.ValidString(s) {
			return value{kind: text, ref: v}
		}
	}
	return m.take(v, func() []string { return path }, fallback)
}

// take is the value that v is, or fallback if it is null.
func (m *machine) take(v any, path func() []string, fallback value) value {
	switch v := v.(type) { // without boxing them
	case int:
		return numeric(float64(v))
	case int64:
		return numeric(float64(v))
	}
	pure, _, err := m.purify(v, 0)
	switch {
	case err != nil:
		return m.fail(&ContextError{Variable: strings.Join(path(), "."), Err: err})
	case pure == nil:
		return fallback
	}
	return valueOf(pure)
}

// step goes from v to one of its members or elements.
func (m *machine) step(v any, step string, path []string) (any, bool) {
	switch v.(type) {
	case nil, bool, string, float64:
		return nil, false
	case map[string]any, []any:
	default:
		pure, _, err := m.purify(v, 0)
		if err != nil {
			m.fail(&ContextError{Variable: strings.Join(path, "."), Err: err})
			return nil, false
		}
		v = pure
	}
	switch v := v.(type) {
	case map[string]any:
		return v[step], true
	case []any:
		i := toInt(textToGoNumber(step))
		if i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

func (m *machine) lookupFlagd(path []string, fallback value) value {
	switch {
	case len(path) == 0:
		return value{kind: object, ref: m.flagd()}
	case len(path) > 1:
		return fallback
	}
	switch path[0] {
	case "flagKey":
		return textual(m.in.FlagKey)
	case "timestamp":
		return numeric(float64(m.in.Now))
	default:
		return fallback
	}
}

func (m *machine) flagd() map[string]any {
	return map[string]any{"flagKey": m.in.FlagKey, "timestamp": float64(m.in.Now)}
}

// wholeOfContext is the context as an object.
func (m *machine) wholeOfContext() value {
	pure, changed, err := m.purifyObject(m.in.Context, 0)
	if err != nil {
		return m.fail(&ContextError{Err: err})
	}
	whole, _ := pure.(map[string]any)
	if !changed {
		whole = maps.Clone(whole)
	}
	if whole == nil {
		whole = make(map[string]any, 1)
	}
	whole[flagdProperties] = m.flagd()
	return value{kind: object, ref: whole}
}
