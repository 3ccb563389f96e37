package system

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/flagline/flagline/test/compare/workload"
)

// A dialect is how an expression language writes what two of them share:
// x ? y : z, ==, in, && and ||. Versions and buckets are functions that the
// language is extended with.
type dialect struct {
	endsWith string // a format of an attribute and a suffix
	let      string // a format of an expression and what is done with it as b
}

// source writes f as an expression that is the variant.
func (d dialect) source(f workload.Flag) string {
	if f.Shares != nil {
		return fmt.Sprintf(d.let, fmt.Sprintf("bucket(%q, targetingKey)", f.Key), shares(f.Shares))
	}
	var b strings.Builder
	for _, r := range f.Rules {
		fmt.Fprintf(&b, "%s ? %q : (", d.condition(r.When), r.Variant)
	}
	return b.String() + strconv.Quote(f.Default) + strings.Repeat(")", len(f.Rules))
}

func shares(list []workload.Share) string {
	var b strings.Builder
	end := 0
	for _, s := range list[:len(list)-1] {
		end += s.Percent
		fmt.Fprintf(&b, "b < %d ? %q : (", end, s.Variant)
	}
	return b.String() + strconv.Quote(list[len(list)-1].Variant) + strings.Repeat(")", len(list)-1)
}

func (d dialect) condition(c workload.Condition) string {
	switch c.Op {
	case workload.In:
		return fmt.Sprintf("%s in [%s]", c.Attribute, quoted(c.Values))
	case workload.EndsWith:
		return fmt.Sprintf(d.endsWith, c.Attribute, c.Values[0])
	case workload.AtLeast:
		return fmt.Sprintf("atLeast(%s, %s)", c.Attribute, strings.ReplaceAll(c.Values[0], ".", ", "))
	case workload.All:
		return d.join(c.Of, " && ")
	case workload.Any:
		return d.join(c.Of, " || ")
	default:
		return fmt.Sprintf("%s == %q", c.Attribute, c.Values[0])
	}
}

func (d dialect) join(of []workload.Condition, operator string) string {
	var list []string
	for _, c := range of {
		list = append(list, d.condition(c))
	}
	return "(" + strings.Join(list, operator) + ")"
}

func quoted(values []string) string {
	var list []string
	for _, v := range values {
		list = append(list, strconv.Quote(v))
	}
	return strings.Join(list, ", ")
}
