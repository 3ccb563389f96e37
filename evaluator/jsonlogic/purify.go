package jsonlogic

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errNotFinite = errors.New("a number is not finite")
	errBroke     = errors.New("encoding it panics")
)

// purify returns what v becomes when it is written as JSON and read again, and
// whether that is another value. It copies no more than it has to.
func (m *machine) purify(v any, depth int) (pure any, changed bool, err error) {
	switch of := v.(type) { // and what does not change stays in the box that it came in
	case nil, bool:
		return v, false, nil
	case string:
		if m.charge(len(of) / bytesPerStep); utf8.ValidString(of) {
			return v, false, nil
		}
		return sanitized(of), true, nil
	case float64:
		if math.IsNaN(of) || math.IsInf(of, 0) {
			return nil, false, errNotFinite
		}
		return v, false, nil
	case []any:
		if pure, changed, err = m.purifyList(of, depth+1); !changed {
			pure = v
		}
		return pure, changed, err
	case map[string]any:
		return m.purifyObject(of, depth+1)
	case []string:
		return m.purifyTexts(of), true, nil
	}
	pure, err = scalar(v)
	return pure, true, err
}

// scalar purifies what JSON has no Go type for.
func scalar(v any) (any, error) {
	switch v := v.(type) {
	case int:
		return float64(v), nil
	case int32:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint32:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float32: // as its shortest text has it: 0.1 is 0.1
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errNotFinite
		}
		return strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	default:
		return rewritten(v)
	}
}

func (m *machine) purifyTexts(texts []string) any {
	if texts == nil {
		return nil
	}
	m.charge(len(texts))
	list := make([]any, len(texts))
	for i, s := range texts {
		list[i] = sanitized(s)
	}
	return list
}

func (m *machine) purifyList(list []any, depth int) (pure any, changed bool, err error) {
	if list == nil {
		return nil, true, nil
	}
	if err := m.enter(len(list), depth); err != nil {
		return nil, false, err
	}
	var copied []any
	for i, element := range list {
		pure, changed, err := m.purify(element, depth)
		if err != nil {
			return nil, false, err
		}
		if !changed {
			continue
		}
		if copied == nil {
			copied = slices.Clone(list)
		}
		copied[i] = pure
	}
	return copied, copied != nil, nil
}

func (m *machine) purifyObject(members map[string]any, depth int) (any, bool, error) {
	if members == nil {
		return nil, true, nil
	}
	if err := m.enter(len(members), depth); err != nil {
		return nil, false, err
	}
	var copied map[string]any
	misspelt := false
	for name, member := range members {
		pure, changed, err := m.purify(member, depth)
		if err != nil {
			return nil, false, err
		}
		misspelt = misspelt || !utf8.ValidString(name)
		if !changed {
			continue
		}
		if copied == nil {
			copied = maps.Clone(members)
		}
		copied[name] = pure
	}
	if copied == nil && !misspelt {
		return members, false, nil
	}
	if misspelt {
		if copied == nil {
			copied = members
		}
		copied = respelt(copied)
	}
	return copied, true, nil
}

// respelt returns m with names that are UTF-8. Of two that become the same, the
// last in byte order counts: it is written last.
func respelt(m map[string]any) map[string]any {
	names := make(map[string]any, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		names[sanitized(name)] = m[name]
	}
	return names
}

// enter begins with an array or an object of n values.
func (m *machine) enter(n, depth int) error {
	m.charge(n)
	if depth > MaxDepth {
		return errDeep
	}
	return m.err
}

// sanitized puts a replacement character for each byte that is not UTF-8.
func sanitized(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// rewritten writes v as JSON and reads it. What v does meanwhile is not ours:
// its methods may panic.
func rewritten(v any) (pure any, err error) {
	defer func() {
		if recover() != nil {
			pure, err = nil, errBroke
		}
	}()
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(encoded, &pure); err != nil {
		return nil, err
	}
	return pure, nil
}
