package workload

import "encoding/json"

// Document is the flagd document that holds flags.
func Document(flags []Flag) ([]byte, error) {
	definitions := make(map[string]any, len(flags))
	for _, f := range flags {
		definitions[f.Key] = f.definition()
	}
	return json.Marshal(map[string]any{"flags": definitions})
}

func (f Flag) definition() map[string]any {
	variants := make(map[string]any)
	for _, v := range f.Variants {
		variants[v] = f.Value(v)
	}
	d := map[string]any{"state": "ENABLED", "variants": variants, "defaultVariant": f.Default}
	if targeting := f.Targeting(); targeting != nil {
		d["targeting"] = targeting
	}
	return d
}

// Targeting is the rule of f in JSON Logic, as flagd extends it; nil if there
// is none.
func (f Flag) Targeting() any {
	if f.Shares != nil {
		var shares []any
		for _, s := range f.Shares {
			shares = append(shares, []any{s.Variant, float64(s.Percent)})
		}
		return map[string]any{"fractional": shares}
	}
	if f.Rules == nil {
		return nil
	}
	var branches []any
	for _, r := range f.Rules {
		branches = append(branches, r.When.logic(), r.Variant)
	}
	return map[string]any{"if": append(branches, f.Default)}
}

func (c Condition) logic() any {
	attribute := map[string]any{"var": c.Attribute}
	switch c.Op {
	case In:
		var values []any
		for _, v := range c.Values {
			values = append(values, v)
		}
		return map[string]any{"in": []any{attribute, values}}
	case EndsWith:
		return map[string]any{"ends_with": []any{attribute, c.Values[0]}}
	case AtLeast:
		return map[string]any{"sem_ver": []any{attribute, ">=", c.Values[0]}}
	case All:
		return map[string]any{"and": c.ofLogic()}
	case Any:
		return map[string]any{"or": c.ofLogic()}
	default:
		return map[string]any{"==": []any{attribute, c.Values[0]}}
	}
}

func (c Condition) ofLogic() []any {
	var list []any
	for _, of := range c.Of {
		list = append(list, of.logic())
	}
	return list
}
