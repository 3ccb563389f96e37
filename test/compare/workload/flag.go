package workload

// A Flag is decided by its first rule that matches, otherwise by its shares if
// it has some, otherwise by its default.
type Flag struct {
	Key      string
	Kind     Kind
	Type     Type
	Variants []string
	Rules    []Rule
	Shares   []Share
	Default  string
}

// A Type is what the variants of a flag stand for.
type Type int

// The types of values.
const (
	Text Type = iota
	Bool
	Object
)

// A Rule gives a variant to whoever meets a condition.
type Rule struct {
	When    Condition
	Variant string
}

// A Share is the percentage of all subjects that gets a variant. The shares of
// a flag add up to 100.
type Share struct {
	Variant string
	Percent int
}

// A Condition is a claim about a subject.
type Condition struct {
	Op        Op
	Attribute string      // of the subject; not for All and Any
	Values    []string    // that it is held against: one, but for In
	Of        []Condition // that All and Any join
}

// An Op is a kind of condition.
type Op int

// The kinds of conditions.
const (
	Equal    Op = iota // the attribute is the value
	In                 // the attribute is among the values
	EndsWith           // the attribute ends with the value
	AtLeast            // the attribute is the version that the value is, or a later one
	All                // each condition holds
	Any                // one condition holds
)

func equal(attribute, value string) Condition {
	return Condition{Op: Equal, Attribute: attribute, Values: []string{value}}
}

func in(attribute string, values ...string) Condition {
	return Condition{Op: In, Attribute: attribute, Values: values}
}

func endsWith(attribute, value string) Condition {
	return Condition{Op: EndsWith, Attribute: attribute, Values: []string{value}}
}

func atLeast(attribute, value string) Condition {
	return Condition{Op: AtLeast, Attribute: attribute, Values: []string{value}}
}

func all(of ...Condition) Condition { return Condition{Op: All, Of: of} }

// Value is what variant stands for.
func (f Flag) Value(variant string) any {
	switch f.Type {
	case Bool:
		return variant == "on"
	case Object:
		return map[string]any{"theme": variant, "columns": 3, "compact": variant == "dark", "flag": f.Key}
	default:
		return variant + " of " + f.Key
	}
}
