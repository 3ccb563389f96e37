package admin

import (
	"fmt"
	"slices"

	"github.com/flagline/flagline/evaluator"
)

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// Enable plans to switch a flag on. Like flagd it takes every flag as switched
// on that is not disabled in so many words.
func Enable(set, key string) Plan {
	return revise(set, key, func(flag *object) error {
		if isDisabled(*flag) {
			flag.put("state", quote(enabled))
		}
		return nil
	})
}

// Disable plans to switch a flag off: applications get their own default value.
func Disable(set, key string) Plan {
	return revise(set, key, func(flag *object) error {
		flag.put("state", quote(disabled))
		return nil
	})
}

func isDisabled(flag object) bool {
	state, _ := flag.text("state")
	return state == disabled
}

// Toggle plans to swap the default variant of a flag that has two variants and
// no targeting. For any other flag it is not clear what toggling would mean,
// which is a [*UsageError].
func Toggle(set, key string) Plan {
	return revise(set, key, func(flag *object) error {
		variants, err := variantsOf(*flag)
		if err != nil {
			return err
		}
		if len(variants) != 2 {
			return usage("flag %q has %d variants (%s), and only a flag with two can be toggled; set its default variant instead",
				key, len(variants), quoted(variants.names()))
		}
		if targeting(*flag) != nil {
			return usage("flag %q has targeting, which toggling the default variant would not override; "+
				"kill it, or set its default variant or its targeting instead", key)
		}
		switch now, _ := flag.text("defaultVariant"); now {
		case variants[0].name:
			flag.put("defaultVariant", quote(variants[1].name))
		case variants[1].name:
			flag.put("defaultVariant", quote(variants[0].name))
		default:
			return usage("flag %q has no default variant to toggle; set one: %s", key, quoted(variants.names()))
		}
		return nil
	})
}

// Kill plans to serve variant to everyone, whatever the targeting says. The
// targeting stays in the flag, out of reach, for people to see what was cut
// off; [Rollback] undoes the kill. Killing again replaces the variant.
func Kill(set, key, variant string) Plan {
	return func(st State) ([]Edit, error) {
		edits, err := revise(set, key, func(flag *object) error { return kill(key, flag, variant) })(st)
		if err != nil || len(edits) == 0 {
			return edits, err
		}
		return edits, serves(st, edits[0], variant)
	}
}

func kill(key string, flag *object, variant string) error {
	variants, err := variantsOf(*flag)
	if err != nil {
		return err
	}
	if variants.get(variant) == nil {
		return usage("flag %q has no variant %q; it has %s", key, variant, quoted(variants.names()))
	}
	rule := targeting(*flag)
	if old, killed := killedRule(rule); killed {
		rule = old
	}
	text := slices.Concat([]byte(`{"if":[true,`), quote(variant))
	if rule != nil {
		text = append(append(text, ','), rule...)
	}
	flag.put("targeting", append(text, "]}"...))
	if flag.get("state") == nil || isDisabled(*flag) {
		flag.put("state", quote(enabled))
	}
	return nil
}

// killedRule recognizes targeting that [Kill] wrote, and returns the rule that
// it cut off, or nil if there was none.
func killedRule(rule []byte) (old []byte, killed bool) {
	o, err := parseObject("targeting", rule)
	if err != nil || len(o) != 1 {
		return nil, false
	}
	args := elements(o.get("if"))
	if len(args) < 2 || len(args) > 3 || string(args[0]) != "true" || args[1][0] != '"' {
		return nil, false
	}
	if len(args) == 3 {
		old = args[2]
	}
	return old, true
}

// serves checks that the flag of edit answers with variant. A variant whose
// name needs escapes in JSON can be written into a rule, but flagd does not
// find it again.
func serves(st State, edit Edit, variant string) error {
	answer := evaluate(st.Settings(edit.Set), Flag{Set: edit.Set, Key: edit.Key, Body: edit.Body}, nil)
	if answer.Variant == variant {
		return nil
	}
	err := fmt.Errorf("it answers with %q", answer.Variant)
	if answer.Err != nil {
		err = answer.Err.Err
	}
	return usage("flag %q cannot be killed with variant %q: %v; set its default variant and remove its targeting instead",
		edit.Key, variant, err)
}

// targeting returns the rule of a flag, or nil if it has none that could make
// a difference.
func targeting(flag object) []byte {
	rule := flag.get("targeting")
	if string(rule) == "null" || string(rule) == "{}" {
		return nil
	}
	return rule
}

func variantsOf(flag object) (object, error) {
	text := flag.get("variants")
	if text == nil {
		return nil, nil
	}
	return parseObject("variants", text)
}

// Delete plans to remove a flag.
func Delete(set, key string) Plan {
	return func(st State) ([]Edit, error) {
		if _, ok := st.Flag(set, key); !ok {
			return nil, noFlag(st, set, key)
		}
		return []Edit{{Set: set, Key: key}}, nil
	}
}

// Evaluate answers with the flag of a set for the context ec, as a sidecar
// would that is on the generation of st.
func Evaluate(st State, set, key string, ec evaluator.Context) evaluator.Resolution {
	flag, ok := st.Flag(set, key)
	if !ok {
		return (*evaluator.FlagSet)(nil).Evaluate(key, ec)
	}
	return evaluate(st.Settings(set), flag, ec)
}

func evaluate(settings []byte, flag Flag, ec evaluator.Context) evaluator.Resolution {
	shared, err := evaluator.CompileSettings(flag.Set, settings)
	if err != nil {
		return evaluator.BrokenFlag(flag.Key, err).Evaluate(ec)
	}
	compiled, err := evaluator.CompileFlag(flag.Key, flag.Body, shared)
	if err != nil {
		return evaluator.BrokenFlag(flag.Key, err).Evaluate(ec)
	}
	return compiled.Evaluate(ec)
}

func usage(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}
