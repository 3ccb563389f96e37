package evaluator

import (
	"slices"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/jsonlogic"
	"github.com/flagline/flagline/internal/jsontree"
)

// Most flags are right and refer to no evaluators. They are compiled without
// building maps for the objects in their rules, which would cost more than
// everything else together. Flags that are not so, or only unusual, are compiled
// with maps, but one by one. A document with a mistake is compiled again from
// the beginning, in the way that knows what to say about it.

// compileQuickly is [Compile] for a document without mistakes. It is not ok if
// it does not know.
func compileQuickly(document []byte) (set *FlagSet, ok bool) {
	r := jsontree.NewReader(document)
	flags, shared, ok := surroundings(r)
	if !ok {
		return nil, false
	}
	settings, found := newSettings("", shared)
	if found != nil {
		return nil, false
	}
	end := r.Here()
	r.Return(flags)
	c := compilation{settings: settings}
	all, ok := c.readFlags(r)
	if r.Return(end); !ok || !r.AtEnd() {
		return nil, false
	}
	return (*FlagSet)(nil).With(settings, all, nil), true
}

// surroundings reads a document but for its flags, and returns where these are,
// and the members that settings are made of.
func surroundings(r *jsontree.Reader) (flags jsontree.Mark, shared map[string]any, ok bool) {
	var seen [3]bool
	shared = make(map[string]any)
	for name := range r.Members() {
		which := slices.IndexFunc([]string{"flags", "metadata", "$evaluators"}, func(s string) bool { return strings.EqualFold(s, name) })
		if which < 0 {
			r.Value()
			continue
		}
		if seen[which] {
			return flags, nil, false
		}
		seen[which] = true
		if which == 0 {
			flags = r.Skip()
		} else if v, ok := r.Value(); ok {
			shared[name] = jsontree.Expand(v)
		}
	}
	return flags, shared, seen[0] && r.AtEnd()
}

// readFlags compiles what stands under "flags".
func (c *compilation) readFlags(r *jsontree.Reader) (flags []*Flag, ok bool) {
	ok = true
	add := func(key string, definition *jsontree.Object) bool {
		f := c.quickly(key, definition)
		if f == nil && key != "" && definition != nil {
			f, _ = c.flag(key, definition.Expand())
		}
		flags = append(flags, f)
		ok = f != nil
		return ok
	}
	if r.Next() == '{' {
		for key := range r.Members() {
			if v, _ := r.Value(); !add(key, asObject(v)) {
				break
			}
		}
		return flags, ok
	}
	for range r.Elements() {
		v, _ := r.Value()
		if definition := asObject(v); !add(keyOf(definition), definition) {
			break
		}
	}
	return flags, ok
}

func asObject(v any) *jsontree.Object {
	object, _ := v.(*jsontree.Object)
	return object
}

// keyOf returns the key of a flag in an array, or "" if it has none or several.
func keyOf(definition *jsontree.Object) (key string) {
	if definition == nil {
		return ""
	}
	for i := range definition.Members {
		m := &definition.Members[i]
		if !strings.EqualFold(m.Name, "key") {
			continue
		}
		if key != "" {
			return ""
		}
		if key, _ = m.Value.(string); key == "" {
			return ""
		}
	}
	return key
}

// A definition is that of a flag, taken apart. It does not outlive the value
// that it was read from.
type definition struct {
	state, defaultVariant any
	variants, metadata    any
	targeting             any
	targeted              bool
}

// take takes an object apart. It is not ok if a member is there twice, but for
// upper and lower case.
func (d *definition) take(object *jsontree.Object) (ok bool) {
	var seen [5]bool
	for i := range object.Members {
		m := &object.Members[i]
		which := memberNamed(m.Name)
		if which < 0 {
			continue
		}
		if seen[which] {
			return false
		}
		seen[which] = true
		*[...]*any{&d.state, &d.variants, &d.defaultVariant, &d.targeting, &d.metadata}[which] = m.Value
	}
	d.targeted = seen[3]
	return true
}

func memberNamed(name string) int {
	names := [...]string{"state", "variants", "defaultVariant", "targeting", "metadata"}
	for i := range names {
		if names[i] == name {
			return i
		}
	}
	for i := range names {
		if strings.EqualFold(names[i], name) {
			return i
		}
	}
	return -1
}

// quickly compiles the flag key. It returns nil if the flag is not right, or it
// does not know.
func (c *compilation) quickly(key string, object *jsontree.Object) *Flag {
	var d definition
	if key == "" || object == nil || !d.take(object) {
		return nil
	}
	if len(c.settings.allEvaluators()) > 0 && !(keepsToItself(object, false, 0) && keepsToItself(d.targeting, true, 0)) {
		return nil
	}
	state, isText := textOrNull(d.state)
	name, isName := textOrNull(d.defaultVariant)
	variants, isObject := objectOrNull(d.variants)
	metadata, areObject := objectOrNull(d.metadata)
	if !isText || !isName || !isObject || !areObject {
		return nil
	}
	f := &Flag{key: key, disabled: state == "DISABLED", fallback: none}
	f.variants = c.variantsOf(variants)
	if name != "" {
		if f.fallback = f.find(name); f.fallback == none {
			return nil
		}
	}
	f.metadata = c.settings.overlay(metadata.Expand())
	if d.targeted {
		var found mistakes
		if f.rule = f.compileRule(nil, "", d.targeting, &found); found != nil {
			return nil
		}
	}
	f.content, c.scratch = hashContent(f, d.targeting, d.targeted, c.scratch)
	return f
}

// keepsToItself says whether v has no reference in it, nor, as a rule, anything
// that might be an operator that there is not. Evaluators cannot change it then.
func keepsToItself(v any, rule bool, depth int) bool {
	if depth > maxExpandedDepth/2 {
		return false
	}
	switch v := v.(type) {
	case *jsontree.Array:
		return !slices.ContainsFunc(v.Elements, func(element any) bool { return !keepsToItself(element, rule, depth+1) })
	case *jsontree.Object:
		if len(v.Members) == 1 && (v.Members[0].Name == syntax.Ref || rule && !jsonlogic.IsOperator(v.Members[0].Name)) {
			return false
		}
		return !slices.ContainsFunc(v.Members, func(m jsontree.Member) bool { return !keepsToItself(m.Value, rule, depth+1) })
	}
	return true
}

// variantsOf returns the variants of a flag. Flags whose variants are the same,
// on and off, share them.
func (c *compilation) variantsOf(object *jsontree.Object) []variant {
	if object == nil || len(object.Members) == 0 {
		return []variant{}
	}
	variants, simple := c.variants[:0], true
	for i := range object.Members {
		m := &object.Members[i]
		variants = append(variants, variant{m.Name, jsontree.Expand(m.Value)})
		simple = simple && isSimple(m.Value)
	}
	c.variants = variants
	sortVariants(variants)
	if simple && slices.Equal(variants, c.usual) {
		return c.usual
	}
	variants = append(make([]variant, 0, len(variants)), variants...)
	if simple {
		c.usual = variants
	}
	return variants
}

// isSimple says whether what equals v is v: arrays and objects cannot be
// compared, and there are two zeros.
func isSimple(v any) bool {
	switch v := v.(type) {
	case nil, bool, string:
		return true
	case float64:
		return v != 0
	}
	return false
}

func textOrNull(v any) (s string, ok bool) {
	s, ok = v.(string)
	return s, ok || v == nil
}

func objectOrNull(v any) (object *jsontree.Object, ok bool) {
	object, ok = v.(*jsontree.Object)
	return object, ok || v == nil
}
