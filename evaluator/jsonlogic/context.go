package jsonlogic

import (
	"fmt"
	"math"
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

// slots are the variables of a program, each with what to give in its place.
type slots []node

func (s *slots) add(variable node) node {
	for i, known := range *s {
		if slotsEqual(known, variable) {
			variable.op, variable.slot = opSlot, uint16(i) //nolint:gosec // at most maxSlots
			return variable
		}
	}
	if len(*s) == maxSlots {
		return variable
	}
	variable.op = opPath
	if len(variable.path) == 1 && variable.path[0] != flagdProperties {
		variable.op = opSlot // which says that it can be read without further ado
	}
	*s = append(*s, variable)
	variable.op, variable.slot = opSlot, uint16(len(*s)-1) //nolint:gosec // at most maxSlots
	return variable
}

const (
	maxSlots = 1_000  // how many variables a program remembers
	noSlot   = 0xFFFF // the slot of tests that are about no variable
)

func slotsEqual(a, b node) bool {
	if strings.Join(a.path, ".") != strings.Join(b.path, ".") || a.val.kind != b.val.kind {
		return false
	}
	switch a.val.kind {
	case null:
		return true
	case text:
		return a.val.text() == b.val.text()
	case number, boolean:
		return math.Float64bits(a.val.num) == math.Float64bits(b.val.num)
	default:
		return false
	}
}

// load reads variable i. Most variables are texts at the top of the context.
func (m *machine) load(into *value, i uint16) {
	variable := &m.program.variables[i]
	if variable.op != opSlot {
		*into = m.lookupContext(variable.path, variable.val)
		return
	}
	raw := m.in.Context[variable.path[0]]
	if s, ok := raw.(string); ok && utf8.ValidString(s) {
		into.ref, into.kind = raw, text
		return
	}
	*into = m.take(raw, variable.path, variable.val)
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
	if s, ok := v.(string); ok && utf8.ValidString(s) {
		return value{kind: text, ref: v}
	}
	return m.take(v, path, fallback)
}

// take is the value that v is, or fallback if it is null.
func (m *machine) take(v any, path []string, fallback value) value {
	switch v := v.(type) { // without boxing them
	case int:
		return numeric(float64(v))
	case int64:
		return numeric(float64(v))
	}
	pure, _, err := m.purify(v, 0)
	switch {
	case err != nil:
		return m.fail(&ContextError{Variable: strings.Join(path, "."), Err: err})
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
	whole := make(map[string]any, len(m.in.Context)+1)
	for name, v := range m.in.Context {
		pure, _, err := m.purify(v, 1)
		if err != nil {
			return m.fail(&ContextError{Err: err})
		}
		whole[sanitized(name)] = pure
	}
	whole[flagdProperties] = m.flagd()
	return value{kind: object, ref: whole}
}
