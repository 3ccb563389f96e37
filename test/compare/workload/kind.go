package workload

import (
	"fmt"
	"slices"
)

// A Kind is a shape of flags. Flags of one kind differ in their constants.
type Kind string

// The kinds of flags.
const (
	Static   Kind = "static"   // a boolean, without rules
	Record   Kind = "object"   // an object, without rules
	Suffix   Kind = "endswith" // one rule about the end of an e-mail address
	Chain10  Kind = "chain10"  // ten rules of three conditions
	Frac2    Kind = "frac2"    // two equal shares
	Frac4    Kind = "frac4"    // four equal shares
	Nested20 Kind = "nested20" // one rule: any of five, each all of four conditions
	Chain100 Kind = "chain100" // a hundred rules, one equality each
)

// Kinds are all kinds of flags.
func Kinds() []Kind {
	return []Kind{Static, Record, Suffix, Chain10, Frac2, Frac4, Nested20, Chain100}
}

// The constants that flags and subjects share. Flags are made so that subject
// 0 of a flag (see Hit) gets as far as one can get.
const (
	paying  = "pro"
	release = "2.3.4"
	domain  = "@faas.com"
)

// NewFlag is the nth flag of a kind.
func NewFlag(kind Kind, n int) Flag {
	f := Flag{Key: fmt.Sprintf("%s-%04d", kind, n), Kind: kind, Variants: []string{"on", "off"}, Default: "off"}
	switch kind {
	case Static:
		f.Type, f.Default = Bool, []string{"on", "off"}[n%2]
	case Record:
		f.Type, f.Variants = Object, []string{"light", "dark"}
		f.Default = f.Variants[n%2]
	case Suffix:
		f.Rules = []Rule{{endsWith("email", domainOf(n)), "on"}}
	case Chain10:
		f.chain10(n)
	case Frac2:
		f.share("a", "b")
	case Frac4:
		f.share("a", "b", "c", "d")
	case Nested20:
		f.nested20(n)
	case Chain100:
		f.chain100(n)
	}
	return f
}

// chain10 makes rules of which the last matches Hit. Of the nine before it
// each third fails at its first, its second and its third condition.
func (f *Flag) chain10(n int) {
	f.Variants = []string{"none"}
	f.Default = "none"
	for i := range 10 {
		middle, plan, version := home(n), paying, fmt.Sprintf("2.%d.%d", n%3, i)
		switch {
		case i == 9:
		case i%3 == 0:
			middle = country(n + 50)
		case i%3 == 1:
			plan = "free"
		default:
			version = fmt.Sprintf("3.%d.%d", n%7, i)
		}
		f.rule(fmt.Sprintf("v%d", i), all(
			in("country", country(n+60+i), country(n+70+i), middle, country(n+80+i), country(n+90+i)),
			equal("plan", plan),
			atLeast("version", version),
		))
	}
}

// nested20 makes one rule. Hit meets each condition but the last of the first
// four groups, so that all twenty have to be looked at.
func (f *Flag) nested20(n int) {
	var groups []Condition
	for i := range 5 {
		where := equal("country", home(n))
		if i%2 == 1 {
			where = in("country", country(n+50+i), home(n), country(n+60+i))
		}
		end := domainOf(n + i + 1)
		if i == 4 {
			end = domainOf(n)
		}
		groups = append(groups, all(where, equal("plan", paying), equal("version", release), endsWith("email", end)))
	}
	f.Rules = []Rule{{Condition{Op: Any, Of: groups}, "on"}}
}

// chain100 makes a rule for each country. The last is about that of Hit.
func (f *Flag) chain100(n int) {
	f.Variants = []string{"none"}
	f.Default = "none"
	for i := range countries {
		f.rule(fmt.Sprintf("v%d", i), equal("country", country(home100(n)+i+1)))
	}
}

func (f *Flag) rule(variant string, when Condition) {
	f.Variants = append(f.Variants, variant)
	f.Rules = append(f.Rules, Rule{when, variant})
}

func (f *Flag) share(variants ...string) {
	f.Variants = slices.Clone(variants)
	f.Default = variants[0]
	for _, v := range variants {
		f.Shares = append(f.Shares, Share{v, 100 / len(variants)})
	}
}
