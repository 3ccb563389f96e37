package evaluator

import (
	"maps"
	"slices"
	"strconv"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// Compile compiles a flagd document: an object with "flags", which is an
// object or an array of objects with a "key", and optionally "metadata" and
// "$evaluators". Of two flags with the same key the later one counts.
//
// The error joins one [*SyntaxError] for each mistake in the document, up to a
// hundred of them, with pointers relative to it. Which mistakes there are, [CompileFlag] says.
func Compile(document []byte) (*FlagSet, error) {
	if set, ok := compileQuickly(document); ok {
		return set, nil
	}
	return compileThoroughly(document)
}

func compileThoroughly(document []byte) (*FlagSet, error) {
	members, found := decodeObject(document)
	if found != nil {
		return nil, found.err()
	}
	settings, found := newSettings("", members)
	_, definitions, given := member(members, "flags")
	if !given {
		found.add("", `has no "flags"`)
	}
	c := compilation{settings: settings}
	flags := c.flags(definitions, &found)
	if found != nil {
		return nil, found.err()
	}
	return (*FlagSet)(nil).With(settings, flags, nil), nil
}

// flags compiles what stands under "flags".
func (c *compilation) flags(definitions any, found *mistakes) []*Flag {
	const at = "/flags"
	switch definitions := definitions.(type) {
	case nil:
		return nil
	case map[string]any:
		return c.object(at, definitions, found)
	case []any:
		return c.array(at, definitions, found)
	}
	found.add(at, "is neither an object nor an array")
	return nil
}

func (c *compilation) object(at string, definitions map[string]any, found *mistakes) []*Flag {
	flags := make([]*Flag, 0, len(definitions))
	for _, key := range slices.Sorted(maps.Keys(definitions)) {
		flags = c.appendFlag(flags, at, key, key, definitions[key], found)
	}
	return flags
}

func (c *compilation) array(at string, definitions []any, found *mistakes) []*Flag {
	flags := make([]*Flag, 0, len(definitions))
	for i, definition := range definitions {
		members, ok := definition.(map[string]any)
		if !ok {
			found.add(syntax.Index(at, i), "is %s, want an object", syntax.Kind(definition))
			continue
		}
		_, name, _ := member(members, "key")
		key, ok := name.(string)
		if !ok {
			found.add(syntax.Index(at, i), `has no "key", which a flag in an array needs`)
			continue
		}
		flags = c.appendFlag(flags, at, strconv.Itoa(i), key, definition, found)
	}
	return flags
}

// appendFlag compiles the flag key, which stands at step of the place at.
func (c *compilation) appendFlag(flags []*Flag, at, step, key string, definition any, found *mistakes) []*Flag {
	if key == "" {
		found.add(syntax.Pointer(at, step), "the key of a flag must not be empty")
		return flags
	}
	f, wrong := c.flag(key, definition)
	if wrong != nil {
		found.adopt(syntax.Pointer(at, step), wrong)
		return flags
	}
	return append(flags, f)
}
