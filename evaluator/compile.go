package evaluator

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// Compile compiles a flagd document: an object with "flags", which is an
// object or an array of objects with a "key", and optionally "metadata" and
// "$evaluators". Of two flags with the same key the later one counts.
//
// The error joins one [*SyntaxError] for every mistake in the document, with
// pointers relative to it. Which mistakes there are, [CompileFlag] says.
func Compile(document []byte) (*FlagSet, error) {
	var doc struct {
		Flags json.RawMessage `json:"flags"`
	}
	_, found := decode[map[string]json.RawMessage](document)
	if found != nil {
		return nil, found.err()
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, &SyntaxError{Message: err.Error()}
	}
	settings, found := compileSettings("", document)
	flags := compileFlags(doc.Flags, settings, &found)
	if found != nil {
		return nil, found.err()
	}
	return (*FlagSet)(nil).With(settings, flags, nil), nil
}

// compileFlags compiles what stands under "flags".
func compileFlags(raw json.RawMessage, settings *Settings, found *mistakes) []*Flag {
	const at = "/flags"
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 {
		found.add("", `has no "flags"`)
		return nil
	}
	switch trimmed[0] {
	case '{', 'n':
		return compileObject(at, raw, settings, found)
	case '[':
		return compileArray(at, raw, settings, found)
	}
	found.add(at, "is neither an object nor an array")
	return nil
}

func compileObject(at string, raw json.RawMessage, settings *Settings, found *mistakes) []*Flag {
	definitions, wrong := decode[map[string]json.RawMessage](raw)
	found.adopt(at, wrong)
	flags := make([]*Flag, 0, len(definitions))
	for _, key := range slices.Sorted(maps.Keys(definitions)) {
		flags = appendFlag(flags, syntax.Pointer(at, key), key, definitions[key], settings, found)
	}
	return flags
}

func compileArray(at string, raw json.RawMessage, settings *Settings, found *mistakes) []*Flag {
	definitions, wrong := decode[[]json.RawMessage](raw)
	found.adopt(at, wrong)
	flags := make([]*Flag, 0, len(definitions))
	for i, definition := range definitions {
		pointer := syntax.Index(at, i)
		object, _ := decode[any](definition)
		members, ok := object.(map[string]any)
		if !ok {
			found.add(pointer, "is %s, want an object", syntax.Kind(object))
			continue
		}
		_, name, _ := member(members, "key")
		key, ok := name.(string)
		if !ok {
			found.add(pointer, `has no "key", which a flag in an array needs`)
			continue
		}
		flags = appendFlag(flags, pointer, key, definition, settings, found)
	}
	return flags
}

func appendFlag(
	flags []*Flag, at, key string, definition []byte, settings *Settings, found *mistakes,
) []*Flag {
	if key == "" {
		found.add(at, "the key of a flag must not be empty")
		return flags
	}
	f, wrong := compileFlag(key, definition, settings)
	if wrong != nil {
		found.adopt(at, wrong)
		return flags
	}
	return append(flags, f)
}
