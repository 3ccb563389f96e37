package lint

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/jsonlogic"
)

// evaluators reports what is wrong with the rules that flags share, whether a
// flag uses them or not.
func (c *critic) evaluators() {
	evaluators := c.shared()
	names := slices.Sorted(maps.Keys(evaluators))
	members := c.ways().members(names)
	reported := make(map[string]bool)
	for _, name := range names {
		at := syntax.Pointer("/$evaluators", name)
		c.rule(at, evaluators[name])
		if !members[name] || reported[name] {
			continue // it only leads to the circle of others, if to one
		}
		circle := c.ways().from(name)
		for _, member := range circle {
			reported[member] = true
		}
		c.fail(refsIn(at, evaluators[name])[circle[1]], CodeRefCycle,
			"the evaluators refer to each other in a circle: %s", strings.Join(circle, " -> "))
	}
}

// ways tell where the evaluators lead.
func (c *critic) ways() *circles {
	if c.circles == nil {
		refs := func(name string) []string { return syntax.Refs(c.shared()[name]) }
		c.circles = &circles{refs: refs, known: make(map[string]step)}
	}
	return c.circles
}

// borrowed reports the references of a flag to evaluators in a circle. In a
// document the circle is reported where it is.
func (c *critic) borrowed(at string, rule any) {
	var places map[string]string
	for _, name := range syntax.Refs(rule) {
		circle := c.ways().from(name)
		if circle == nil {
			continue
		}
		if places == nil {
			places = refsIn(at, rule)
		}
		c.fail(places[name], CodeRefCycle,
			"evaluator %q leads in a circle: %s", name, strings.Join(circle, " -> "))
	}
}

// refsIn returns the pointer to the first reference in v to each evaluator.
func refsIn(at string, v any) map[string]string {
	places := make(map[string]string)
	findRefs(at, v, places)
	return places
}

func findRefs(at string, v any, places map[string]string) {
	if name, ok := syntax.AsRef(v); ok {
		if _, known := places[name]; !known {
			places[name] = syntax.Pointer(at, syntax.Ref)
		}
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			findRefs(syntax.Pointer(at, key), v[key], places)
		}
	case []any:
		for i, element := range v {
			findRefs(syntax.Index(at, i), element, places)
		}
	}
}

// rule reports calls that cannot do what they are there for.
func (c *critic) rule(at string, rule any) {
	for call := range syntax.Calls(at, rule) {
		switch call.Operator {
		case syntax.Ref:
			c.ref(call)
		case "fractional":
			c.fractional(call)
		case "sem_ver":
			c.semVer(call)
		case "starts_with", "ends_with":
			c.arguments(call, 2)
		default:
			if !jsonlogic.IsOperator(call.Operator) {
				c.fail(call.Pointer, CodeUnknownOperator, "unknown operator %q", call.Operator)
			}
		}
	}
}

func (c *critic) ref(call syntax.Call) {
	name, ok := call.Args.(string)
	if !ok {
		c.fail(call.Pointer, CodeUnknownRef, "is %s, want the name of an evaluator", syntax.Kind(call.Args))
		return
	}
	if _, known := c.shared()[name]; !known {
		c.fail(call.Pointer, CodeUnknownRef, "there is no evaluator %q; %s", name, syntax.ThereAre(c.shared()))
	}
}

// arguments reports a call that has not exactly want arguments. It returns
// them if they are written out.
func (c *critic) arguments(call syntax.Call, want int) []any {
	if isLogic(call.Args) {
		return nil
	}
	list, ok := call.Args.([]any)
	if !ok {
		list = []any{call.Args}
	}
	if len(list) != want || !ok {
		c.fail(call.Pointer, CodeWrongArguments, "%q has %d %s, want a list of %d",
			call.Operator, len(list), plural(len(list), "argument"), want)
		return nil
	}
	return list
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

var semVerOperators = []string{"=", "!=", "<", "<=", ">", ">=", "^", "~"}

func (c *critic) semVer(call syntax.Call) {
	list := c.arguments(call, 3)
	if list == nil || isLogic(list[1]) {
		return
	}
	if operator, ok := list[1].(string); !ok || !slices.Contains(semVerOperators, operator) {
		c.fail(syntax.Index(call.Pointer, 1), CodeWrongSemVer, "is %s, want one of %s",
			quoted(list[1]), strings.Join(semVerOperators, " "))
	}
}

// fractional reports shares that flagd would refuse, or take for 0.
func (c *critic) fractional(call syntax.Call) {
	if isLogic(call.Args) {
		return
	}
	list, ok := call.Args.([]any)
	if !ok || len(list) == 0 {
		c.fail(call.Pointer, CodeWrongFractional, "needs a list of variants with their weights")
		return
	}
	before := len(c.found)
	var sum float64
	for i, arg := range list {
		if _, bucketBy := arg.(string); i == 0 && (bucketBy || arg == nil) || isLogic(arg) {
			continue
		}
		sum += c.share(syntax.Index(call.Pointer, i), arg)
	}
	if sum > math.MaxInt32 && len(c.found) == before {
		c.fail(call.Pointer, CodeWrongWeight, "the weights add up to %s, the most is %d", decimal(sum), math.MaxInt32)
	}
}

// share checks one variant with its weight, and returns the weight if it is
// written out and right.
func (c *critic) share(at string, v any) float64 {
	share, ok := v.([]any)
	if !ok || len(share) == 0 {
		c.fail(at, CodeWrongFractional, "is %s, want a variant with its weight, such as [\"on\", 10]", emptyOr(v))
		return 0
	}
	if len(share) == 1 || share[1] == nil {
		return 1
	}
	if isLogic(share[1]) {
		return 0
	}
	at = syntax.Index(at, 1)
	weight, ok := share[1].(float64)
	switch {
	case !ok:
		c.fail(at, CodeWrongWeight, "weight is %s, want a whole number", syntax.Kind(share[1]))
	case weight < 0:
		c.fail(at, CodeWrongWeight, "weight %s is negative", decimal(weight))
	case weight != math.Trunc(weight):
		c.fail(at, CodeWrongWeight, "weight %s is not a whole number", decimal(weight))
	case weight > math.MaxInt32:
		c.fail(at, CodeWrongWeight, "weight %s is too large, the most is %d", decimal(weight), math.MaxInt32)
	default:
		return weight
	}
	return 0
}

func emptyOr(v any) string {
	if list, ok := v.([]any); ok && len(list) == 0 {
		return "empty"
	}
	return syntax.Kind(v)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// isLogic says whether v is known only once it has been evaluated.
func isLogic(v any) bool {
	_, _, ok := syntax.AsCall(v)
	return ok
}
