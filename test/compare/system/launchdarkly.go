package system

import (
	"fmt"
	"slices"

	"github.com/launchdarkly/go-sdk-common/v3/ldcontext"
	"github.com/launchdarkly/go-sdk-common/v3/ldvalue"
	evaluation "github.com/launchdarkly/go-server-sdk-evaluation/v3"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldbuilders"
	"github.com/launchdarkly/go-server-sdk-evaluation/v3/ldmodel"

	"github.com/flagline/flagline/test/compare/workload"
)

// launchDarkly is the evaluation engine of LaunchDarkly's server SDK, without
// the SDK's data store and its events.
type launchDarkly struct {
	engine   evaluation.Evaluator
	flags    []ldmodel.FeatureFlag
	variants [][]string
	contexts []ldcontext.Context
}

func newLaunchDarkly(w workload.Workload) (System, error) {
	s := &launchDarkly{engine: evaluation.NewEvaluator(noMore{})}
	for _, f := range w.Flags {
		s.flags = append(s.flags, launchDarklyFlag(f))
		s.variants = append(s.variants, f.Variants)
	}
	for i, attributes := range w.Contexts() {
		delete(attributes, "targetingKey")
		b := ldcontext.NewBuilder(w.Subjects[i].TargetingKey)
		for name, v := range attributes {
			b.SetValue(name, ldvalue.CopyArbitraryValue(v))
		}
		ec, err := b.TryBuild()
		if err != nil {
			return nil, fmt.Errorf("subject %d: %w", i, err)
		}
		s.contexts = append(s.contexts, ec)
	}
	return s, nil
}

func launchDarklyFlag(f workload.Flag) ldmodel.FeatureFlag {
	index := func(variant string) int { return slices.Index(f.Variants, variant) }
	var values []ldvalue.Value
	for _, v := range f.Variants {
		values = append(values, ldvalue.CopyArbitraryValue(f.Value(v)))
	}
	b := ldbuilders.NewFlagBuilder(f.Key).On(true).Salt(f.Key).
		Variations(values...).FallthroughVariation(index(f.Default))
	for i, r := range f.Rules {
		// The clauses of a rule are joined by "and", and rules are tried in
		// turn, which is their way to write "or".
		alternatives := []workload.Condition{r.When}
		if r.When.Op == workload.Any {
			alternatives = r.When.Of
		}
		for j, c := range alternatives {
			b.AddRule(ldbuilders.NewRuleBuilder().ID(fmt.Sprintf("rule-%d-%d", i, j)).
				Variation(index(r.Variant)).Clauses(clauses(c)...))
		}
	}
	if f.Shares != nil {
		var buckets []ldmodel.WeightedVariation
		for _, s := range f.Shares {
			buckets = append(buckets, ldbuilders.Bucket(index(s.Variant), s.Percent*1000))
		}
		b.Fallthrough(ldbuilders.Rollout(buckets...))
	}
	return b.Build()
}

func clauses(c workload.Condition) []ldmodel.Clause {
	if c.Op == workload.All {
		var list []ldmodel.Clause
		for _, of := range c.Of {
			list = append(list, clauses(of)...)
		}
		return list
	}
	var values []ldvalue.Value
	for _, v := range c.Values {
		values = append(values, ldvalue.String(v))
	}
	switch c.Op {
	case workload.EndsWith:
		return []ldmodel.Clause{ldbuilders.Clause(c.Attribute, ldmodel.OperatorEndsWith, values...)}
	case workload.AtLeast:
		return []ldmodel.Clause{ldbuilders.Negate(
			ldbuilders.Clause(c.Attribute, ldmodel.OperatorSemVerLessThan, values...))}
	default:
		return []ldmodel.Clause{ldbuilders.Clause(c.Attribute, ldmodel.OperatorIn, values...)}
	}
}

func (s *launchDarkly) Answer(flag, subject int) string {
	detail := s.engine.Evaluate(&s.flags[flag], s.contexts[subject], nil).Detail
	if detail.IsDefaultValue() {
		return detail.Reason.String()
	}
	return s.variants[flag][detail.VariationIndex.IntValue()]
}

// noMore is a data store without other flags and without segments.
type noMore struct{}

func (noMore) GetFeatureFlag(string) *ldmodel.FeatureFlag { return nil }
func (noMore) GetSegment(string) *ldmodel.Segment         { return nil }
