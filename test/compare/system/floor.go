package system

import "github.com/flagline/flagline/test/compare/workload"

// floor is what one would write by hand for each flag, instead of a flag. It
// reads what it needs of a subject once, and decides.
type floor[S any] struct {
	decide   []func(S) string
	subjects []S
}

func (s *floor[S]) Answer(flag, subject int) string { return s.decide[flag](s.subjects[subject]) }

// newFloorMap reads the context as applications have it.
func newFloorMap(w workload.Workload) (System, error) {
	s := &floor[map[string]any]{subjects: w.Contexts()}
	for _, f := range w.Flags {
		s.decide = append(s.decide, decideMap(f))
	}
	return s, nil
}

func decideMap(f workload.Flag) func(map[string]any) string {
	switch f.Kind {
	case workload.Suffix:
		decide := suffixOf(f)
		return func(ec map[string]any) string { return decide(text(ec, "email")) }
	case workload.Chain10:
		decide := chain10Of(f)
		return func(ec map[string]any) string {
			return decide(text(ec, "country"), text(ec, "plan"), text(ec, "version"))
		}
	case workload.Frac2, workload.Frac4:
		decide := sharesOf(f)
		return func(ec map[string]any) string { return decide(text(ec, "targetingKey")) }
	case workload.Nested20:
		decide := nested20Of(f)
		return func(ec map[string]any) string {
			return decide(text(ec, "country"), text(ec, "plan"), text(ec, "version"), text(ec, "email"))
		}
	case workload.Chain100:
		decide := chain100Of(f)
		return func(ec map[string]any) string { return decide(text(ec, "country")) }
	default:
		return func(map[string]any) string { return f.Default }
	}
}

func text(ec map[string]any, name string) string {
	v, _ := ec[name].(string)
	return v
}

// newFloorStruct reads a context that is a typed struct.
func newFloorStruct(w workload.Workload) (System, error) {
	s := &floor[*workload.Subject]{}
	for i := range w.Subjects {
		s.subjects = append(s.subjects, &w.Subjects[i])
	}
	for _, f := range w.Flags {
		s.decide = append(s.decide, decideStruct(f))
	}
	return s, nil
}

func decideStruct(f workload.Flag) func(*workload.Subject) string {
	switch f.Kind {
	case workload.Suffix:
		decide := suffixOf(f)
		return func(s *workload.Subject) string { return decide(s.Email) }
	case workload.Chain10:
		decide := chain10Of(f)
		return func(s *workload.Subject) string { return decide(s.Country, s.Plan, s.Version) }
	case workload.Frac2, workload.Frac4:
		decide := sharesOf(f)
		return func(s *workload.Subject) string { return decide(s.TargetingKey) }
	case workload.Nested20:
		decide := nested20Of(f)
		return func(s *workload.Subject) string { return decide(s.Country, s.Plan, s.Version, s.Email) }
	case workload.Chain100:
		decide := chain100Of(f)
		return func(s *workload.Subject) string { return decide(s.Country) }
	default:
		return func(*workload.Subject) string { return f.Default }
	}
}
