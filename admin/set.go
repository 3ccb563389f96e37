package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/flagline/flagline/evaluator/lint"
)

// Parts is what can be said of a flag piece by piece. What is nil stays as it
// is; an empty text or an empty list removes what it stands for.
type Parts struct {
	DefaultVariant *string
	State          *string // "enabled" or "disabled", in any case
	Targeting      []byte  // a rule, as JSON; null removes it
	Variants       []byte  // a JSON object of the variants to add or replace
	Description    *string
	Owner          *string
	Tags           *[]string
}

// Set plans to edit parts of a flag. All else stays as it is spelt.
func Set(set, key string, parts Parts) Plan {
	return revise(set, key, func(flag *object) error { return parts.apply(flag) })
}

// Define plans to replace the whole definition of a flag that exists.
func Define(set, key string, definition []byte) Plan {
	return revise(set, key, func(flag *object) error {
		next, err := parseDefinition(set, key, definition)
		*flag = next
		return err
	})
}

// Create plans a flag that does not exist yet. If it does, the plan answers
// with an [*ExistsError].
func Create(set, key string, definition []byte) Plan {
	return func(st State) ([]Edit, error) {
		if key == "" {
			return nil, &UsageError{Message: "a flag needs a key"}
		}
		if _, ok := st.Flag(set, key); ok {
			return nil, &ExistsError{Kind: "flag", Name: key, Hint: "set what should be different, or delete it first"}
		}
		flag, err := parseDefinition(set, key, definition)
		if err != nil {
			return nil, err
		}
		return checked(st, []Edit{{Set: set, Key: key, Body: flag.encode()}}, nil)
	}
}

// parseDefinition reads a whole flag. What is none is as invalid as a flag with
// mistakes.
func parseDefinition(set, key string, definition []byte) (object, error) {
	flag, err := parseObject("the definition", definition)
	if err != nil {
		f := Finding{Set: set, Pointer: "/flags/" + pointer(key), Code: string(lint.CodeWrongType), Message: err.Error()}
		return nil, &InvalidError{Findings: []Finding{f}}
	}
	return flag, nil
}

// Definition makes a whole flag of its parts. It is enabled unless they say
// otherwise.
func (p Parts) Definition() ([]byte, error) {
	flag := object{{"state", quote(enabled)}}
	if err := p.apply(&flag); err != nil {
		return nil, err
	}
	return flag.encode(), nil
}

func (p Parts) apply(flag *object) error {
	if p.State != nil {
		state := strings.ToUpper(*p.State)
		if state != enabled && state != disabled {
			return usage("a flag is enabled or disabled, not %q", *p.State)
		}
		flag.put("state", quote(state))
	}
	if err := p.applyVariants(flag); err != nil {
		return err
	}
	putText(flag, "defaultVariant", p.DefaultVariant)
	if err := p.applyTargeting(flag); err != nil {
		return err
	}
	putText(flag, "description", p.Description)
	putText(flag, "owner", p.Owner)
	p.applyTags(flag)
	return nil
}

func (p Parts) applyVariants(flag *object) error {
	if p.Variants == nil {
		return nil
	}
	edits, err := parseObject("the variants", p.Variants)
	if err != nil {
		return err
	}
	variants, err := variantsOf(*flag)
	if err != nil {
		return err
	}
	for _, m := range edits {
		variants.put(m.name, m.value)
	}
	flag.put("variants", variants.encode())
	return nil
}

func (p Parts) applyTargeting(flag *object) error {
	if p.Targeting == nil {
		return nil
	}
	var rule bytes.Buffer
	if err := json.Compact(&rule, p.Targeting); err != nil {
		return usage("the targeting is not JSON: %v", err)
	}
	if rule.String() == "null" {
		flag.drop("targeting")
		return nil
	}
	flag.put("targeting", rule.Bytes())
	return nil
}

func (p Parts) applyTags(flag *object) {
	switch {
	case p.Tags == nil:
	case len(*p.Tags) == 0:
		flag.drop("tags")
	default:
		list := make([]json.RawMessage, len(*p.Tags))
		for i, tag := range *p.Tags {
			list[i] = quote(tag)
		}
		flag.put("tags", fmt.Appendf(nil, "[%s]", bytes.Join(asBytes(list), []byte(","))))
	}
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, value := range list {
		out[i] = value
	}
	return out
}

func putText(flag *object, name string, text *string) {
	switch {
	case text == nil:
	case *text == "":
		flag.drop(name)
	default:
		flag.put(name, quote(*text))
	}
}
