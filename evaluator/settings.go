package evaluator

import (
	"maps"
	"strings"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/jsonlogic"
)

// Settings are what the flags of a set share: the set's metadata, and the
// evaluators, which are rules that targeting may refer to by name. They never
// change. A nil *Settings is one that holds nothing.
type Settings struct {
	raw        map[string]any // metadata as written, null values too
	metadata   map[string]any
	evaluators map[string]*shared
	sound      map[string]bool // the evaluators without a mistake in them or in what they lead to
}

// A shared is one of the set's evaluators.
type shared struct {
	rule     any
	refs     []string // the evaluators that it mentions
	mistakes mistakes // relative to rule
}

// CompileSettings prepares what surrounds the flags of a set: the object body,
// of which it reads "metadata" and "$evaluators". A nil body says nothing. If
// set is not "" and the metadata name no flagSetId, it becomes their flagSetId.
//
// A mistake inside an evaluator is reported by [CompileFlag], for the flags
// that use it: a set whose rules nobody uses still compiles.
func CompileSettings(set string, body []byte) (*Settings, error) {
	s, found := compileSettings(set, body)
	if found != nil {
		return nil, found.err()
	}
	return s, nil
}

func compileSettings(set string, body []byte) (*Settings, mistakes) {
	if body == nil {
		return newSettings(set, nil)
	}
	members, found := decodeObject(body)
	if found != nil {
		return new(Settings), found
	}
	return newSettings(set, members)
}

// newSettings returns what it could make of members even if it found mistakes.
func newSettings(set string, members map[string]any) (*Settings, mistakes) {
	var found mistakes
	metadata, evaluators := objectMember(members, "metadata", &found), objectMember(members, "$evaluators", &found)
	s := &Settings{raw: metadata, evaluators: make(map[string]*shared, len(evaluators))}
	if _, named := s.raw["flagSetId"]; !named && set != "" {
		s.raw = maps.Clone(s.raw)
		if s.raw == nil {
			s.raw = make(map[string]any, 1)
		}
		s.raw["flagSetId"] = set
	}
	s.metadata = withoutNulls(s.raw)
	for name, rule := range evaluators {
		s.evaluators[name] = &shared{rule: rule, refs: syntax.Refs(rule)}
	}
	for _, e := range s.evaluators {
		e.mistakes = s.check("", e.rule)
	}
	s.sound = s.findSound()
	return s, found
}

// findSound starts with evaluators that refer to none, and goes on to those that
// refer to sound ones only. Whoever leads in a circle is never reached.
func (s *Settings) findSound() map[string]bool {
	sound := make(map[string]bool, len(s.evaluators))
	waiting := make(map[string]int)      // for how many
	waiters := make(map[string][]string) // for whom
	var ready []string
	for name, e := range s.evaluators {
		switch {
		case len(e.mistakes) > 0:
		case len(e.refs) == 0:
			ready = append(ready, name)
		default:
			waiting[name] = len(e.refs)
			for _, ref := range e.refs {
				waiters[ref] = append(waiters[ref], name)
			}
		}
	}
	for len(ready) > 0 {
		name := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		sound[name] = true
		for _, waiter := range waiters[name] {
			if waiting[waiter]--; waiting[waiter] == 0 {
				ready = append(ready, waiter)
			}
		}
	}
	return sound
}

// Metadata returns the metadata of the set. The map is shared and must not be
// changed; it is nil if there are none.
func (s *Settings) Metadata() map[string]any {
	if s == nil {
		return nil
	}
	return s.metadata
}

// overlay returns the set's metadata with a flag's own laid over them. A null
// takes away.
func (s *Settings) overlay(own map[string]any) map[string]any {
	if len(own) == 0 {
		return s.Metadata()
	}
	if s == nil || len(s.raw) == 0 {
		return withoutNulls(own)
	}
	all := make(map[string]any, len(s.raw)+len(own))
	maps.Copy(all, s.raw)
	maps.Copy(all, own)
	return withoutNulls(all)
}

func withoutNulls(m map[string]any) map[string]any {
	if len(m) == 0 {
		return nil
	}
	if !holdsNull(m) {
		return m
	}
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

func holdsNull(m map[string]any) bool {
	for _, v := range m {
		if v == nil {
			return true
		}
	}
	return false
}

// check returns what would make the evaluation of rule fail whoever asks.
func (s *Settings) check(at string, rule any) (found mistakes) {
	for call := range syntax.Calls(at, rule) {
		switch {
		case call.Operator == syntax.Ref:
			s.checkRef(call, &found)
		case !jsonlogic.IsOperator(call.Operator):
			found.add(call.Pointer, "unknown operator %q", call.Operator)
		}
	}
	return found
}

func (s *Settings) checkRef(call syntax.Call, found *mistakes) {
	name, ok := call.Args.(string)
	if !ok {
		found.add(call.Pointer, "is %s, want the name of an evaluator", syntax.Kind(call.Args))
		return
	}
	if _, ok := s.evaluator(name); !ok {
		found.add(call.Pointer, "there is no evaluator %q; %s", name, syntax.ThereAre(s.allEvaluators()))
	}
}

func (s *Settings) evaluator(name string) (*shared, bool) {
	e, ok := s.allEvaluators()[name]
	return e, ok
}

func (s *Settings) allEvaluators() map[string]*shared {
	if s == nil {
		return nil
	}
	return s.evaluators
}

// refs returns the evaluators that the one named so mentions.
func (s *Settings) refs(name string) []string {
	if e, ok := s.evaluator(name); ok {
		return e.refs
	}
	return nil
}

func (s *Settings) isSound(name string) bool { return s != nil && s.sound[name] }

// checkUsed is [Settings.check] that also looks into the evaluators that rule
// leads to. What is wrong there is reported where rule refers to it.
func (s *Settings) checkUsed(at string, rule any) (found mistakes) {
	found = s.check(at, rule)
	for call := range syntax.Calls(at, rule) {
		name, ok := call.Args.(string)
		if call.Operator != syntax.Ref || !ok || s.isSound(name) || found.full() {
			continue
		}
		if what := s.trouble(name, make(map[string]bool)); what != "" {
			found.add(call.Pointer, "evaluator %q: %s", name, what)
		} else if cycle := syntax.Cycle(name, s.refs); cycle != nil {
			found.add(call.Pointer, "evaluator %q leads in a circle: %s", name, strings.Join(cycle, " -> "))
		}
	}
	return found
}

// trouble returns the first mistake in the evaluator named so, or in one that
// it leads to, or "" if there is none.
func (s *Settings) trouble(name string, seen map[string]bool) string {
	e, ok := s.evaluator(name)
	if !ok || seen[name] {
		return ""
	}
	seen[name] = true
	if len(e.mistakes) > 0 {
		var first mistakes
		first.adopt(syntax.Pointer("/$evaluators", name), e.mistakes[:1])
		return first[0].Error()
	}
	for _, ref := range e.refs {
		if what := s.trouble(ref, seen); what != "" {
			return what
		}
	}
	return ""
}
