package lint

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
)

// flags yields the flags of the document with their pointers.
func (c *critic) flags() iter.Seq2[string, any] {
	const at = "/flags"
	return func(yield func(string, any) bool) {
		doc, _ := c.doc.(map[string]any)
		switch flags := doc["flags"].(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(flags)) {
				if !yield(syntax.Pointer(at, key), flags[key]) {
					return
				}
			}
		case []any:
			for i, flag := range flags {
				if !yield(syntax.Index(at, i), flag) {
					return
				}
			}
		}
	}
}

// shared returns the evaluators of the document.
func (c *critic) shared() map[string]any {
	doc, _ := c.doc.(map[string]any)
	evaluators, _ := doc["$evaluators"].(map[string]any)
	return evaluators
}

// flag reports what the schema cannot say about one flag. What the schema
// has reported is passed over.
func (c *critic) flag(at string, v any) {
	flag, ok := v.(map[string]any)
	if !ok {
		return
	}
	variants, ok := flag["variants"].(map[string]any)
	if ok {
		c.variants(at+"/variants", variants)
		c.defaultVariant(at+"/defaultVariant", flag["defaultVariant"], variants)
	}
	targeting, targeted := flag["targeting"]
	if !targeted {
		return
	}
	at += "/targeting"
	c.rule(at, targeting)
	if c.alone {
		c.borrowed(at, targeting)
	}
	if ok {
		c.results(at, targeting, variants)
	}
}

// variants reports values that no application can ask for in one way.
func (c *critic) variants(at string, variants map[string]any) {
	kinds := make(map[string]bool)
	for name, value := range variants {
		if value != nil {
			kinds[syntax.Kind(value)] = true
		}
		if _, isArray := value.([]any); isArray {
			c.warn(syntax.Pointer(at, name), CodeWrongType,
				"is an array, which applications can ask for only inside an object")
		}
	}
	if len(kinds) > 1 {
		c.warn(at, CodeMixedTypes, "differ in type: one is %s", strings.Join(slices.Sorted(maps.Keys(kinds)), ", another is "))
	}
}

func (c *critic) defaultVariant(at string, v any, variants map[string]any) {
	name, ok := v.(string)
	if !ok || name == "" {
		return
	}
	if _, known := variants[name]; !known {
		c.fail(at, CodeUnknownDefault, "there is no variant %q; %s", name, syntax.ThereAre(variants))
	}
}

// results reports constants among the possible results of a rule that name no
// variant.
func (c *critic) results(at string, rule any, variants map[string]any) {
	for place, name := range c.constants(at, rule) {
		if _, known := variants[spelledOut(name)]; known {
			continue
		}
		if _, exists := variants[name]; exists {
			c.fail(place, CodeUnknownVariant, "variant %q cannot be named by a rule: flagd changes quotes and the characters & < >", name)
			continue
		}
		c.fail(place, CodeUnknownVariant, "there is no variant %q; %s", name, syntax.ThereAre(variants))
	}
}

// spelledOut is what flagd takes for the name of a variant if a rule answers
// with name: its JSON text without the quotes.
func spelledOut(name string) string {
	text, err := json.Marshal(name)
	if err != nil {
		return name
	}
	return strings.ReplaceAll(string(text), `"`, "")
}

// constants yields the strings that rule may answer with and that stand in it
// literally, each with its place; those inside an evaluator have the place of
// the reference to it.
func (c *critic) constants(at string, rule any) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		c.walkResults(at, rule, func(place string, result any) bool {
			if name, ok := syntax.AsRef(result); ok {
				return c.walkBorrowed(name, make(map[string]bool), func(text string) bool {
					return yield(syntax.Pointer(place, syntax.Ref), text)
				})
			}
			text, ok := result.(string)
			return !ok || yield(place, text)
		})
	}
}

// walkResults visits what rule may answer with: constants, references and
// calls of operators that work something out.
func (c *critic) walkResults(at string, rule any, visit func(at string, result any) bool) bool {
	operator, args, ok := syntax.AsCall(rule)
	if !ok || !choosers[operator] {
		return visit(at, rule)
	}
	for place, result := range resultsOf(syntax.Pointer(at, operator), operator, args) {
		if !c.walkResults(place, result, visit) {
			return false
		}
	}
	return true
}

// walkBorrowed visits the constants that the evaluator name may answer with.
// It enters no evaluator that it has seen: there may be circles, and there may
// be very many ways to the same one.
func (c *critic) walkBorrowed(name string, seen map[string]bool, visit func(text string) bool) bool {
	rule, known := c.shared()[name]
	if !known || seen[name] {
		return true
	}
	seen[name] = true
	return c.walkResults("", rule, func(_ string, result any) bool {
		if name, ok := syntax.AsRef(result); ok {
			return c.walkBorrowed(name, seen, visit)
		}
		text, ok := result.(string)
		return !ok || visit(text)
	})
}

// choosers are the operators that answer with one of their arguments.
var choosers = map[string]bool{"if": true, "?:": true, "fractional": true}

// resultsOf yields the arguments that a call of one of the choosers may answer
// with.
func resultsOf(at, operator string, args any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		list, _ := args.([]any)
		for i, arg := range list {
			place := syntax.Index(at, i)
			if operator == "fractional" {
				entry, ok := arg.([]any)
				if !ok || len(entry) == 0 {
					continue
				}
				place, arg = syntax.Index(place, 0), entry[0]
			} else if condition := i%2 == 0 && i < len(list)-1; condition {
				continue
			}
			if !yield(place, arg) {
				return
			}
		}
	}
}
