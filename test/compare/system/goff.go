package system

import (
	"fmt"
	"strings"

	"github.com/thomaspoignant/go-feature-flag/modules/core/ffcontext"
	"github.com/thomaspoignant/go-feature-flag/modules/core/flag"

	"github.com/flagline/flagline/test/compare/workload"
)

// goff is GO Feature Flag's evaluation of flags that are at hand, without its
// cache of flags and its export of events.
type goff struct {
	keys     []string
	flags    []*flag.InternalFlag
	contexts []ffcontext.Context
}

func newGOFF(w workload.Workload) (System, error) {
	s := &goff{}
	for _, f := range w.Flags {
		made := goffFlag(f)
		if err := made.IsValid(); err != nil {
			return nil, fmt.Errorf("flag %q: %w", f.Key, err)
		}
		s.keys = append(s.keys, f.Key)
		s.flags = append(s.flags, made)
	}
	for i, attributes := range w.Contexts() {
		delete(attributes, "targetingKey")
		ec := ffcontext.NewEvaluationContext(w.Subjects[i].TargetingKey)
		for name, v := range attributes {
			ec.AddCustomAttribute(name, v)
		}
		s.contexts = append(s.contexts, ec)
	}
	return s, nil
}

func goffFlag(f workload.Flag) *flag.InternalFlag {
	variations := make(map[string]*any)
	for _, v := range f.Variants {
		variations[v] = new(f.Value(v))
	}
	var targeting []flag.Rule
	for _, r := range f.Rules {
		targeting = append(targeting, flag.Rule{Query: new(goffQuery(r.When)), VariationResult: new(r.Variant)})
	}
	last := &flag.Rule{VariationResult: new(f.Default)}
	if f.Shares != nil {
		percentages := make(map[string]float64)
		for _, s := range f.Shares {
			percentages[s.Variant] = float64(s.Percent)
		}
		last = &flag.Rule{Percentages: &percentages}
	}
	return &flag.InternalFlag{Variations: &variations, Rules: &targeting, DefaultRule: last}
}

// goffQuery writes c in the query language that GO Feature Flag recommends.
func goffQuery(c workload.Condition) string {
	switch c.Op {
	case workload.In:
		return fmt.Sprintf("(%s in [%s])", c.Attribute, quoted(c.Values))
	case workload.EndsWith:
		return fmt.Sprintf("(%s ew %q)", c.Attribute, c.Values[0])
	case workload.AtLeast:
		return fmt.Sprintf("(%s ge %s)", c.Attribute, c.Values[0])
	case workload.All:
		return goffJoin(c.Of, " and ")
	case workload.Any:
		return goffJoin(c.Of, " or ")
	default:
		return fmt.Sprintf("(%s eq %q)", c.Attribute, c.Values[0])
	}
}

func goffJoin(of []workload.Condition, operator string) string {
	var list []string
	for _, c := range of {
		list = append(list, goffQuery(c))
	}
	return "(" + strings.Join(list, operator) + ")"
}

func (s *goff) Answer(number, subject int) string {
	_, details := s.flags[number].Value(s.keys[number], s.contexts[subject], flag.Context{})
	if details.ErrorCode != "" {
		return details.ErrorCode + ": " + details.ErrorMessage
	}
	return details.Variant
}
