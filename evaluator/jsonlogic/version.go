package jsonlogic

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// A version is a semantic version, taken apart once. Numbers of more than 18
// digits are compared by golang.org/x/mod/semver, from the text.
type version struct {
	state               versionState
	long                bool
	major, minor, patch uint64
	rest                string // the pre-release with its hyphen; if long, the whole with a leading v
}

type versionState uint8

const (
	versionUnread versionState = iota
	versionValid
	versionInvalid
)

// parseVersion reads a version such as 1.2.3-rc.1+build, 1.2, 1, v1 or V1.
func parseVersion(s string) version {
	digits := s
	if strings.HasPrefix(s, "v") || strings.HasPrefix(s, "V") {
		digits = s[1:]
	}
	v := version{state: versionValid}
	if !v.parse(digits) {
		return version{state: versionInvalid}
	}
	if v.long {
		v.rest = "v" + digits
	}
	return v
}

func (v *version) parse(s string) (ok bool) {
	for i, n := range [...]*uint64{&v.major, &v.minor, &v.patch} {
		if i > 0 {
			if s == "" {
				return true // 1 and 1.2 stand for 1.0.0 and 1.2.0
			}
			if s[0] != '.' {
				return false
			}
			s = s[1:]
		}
		if s, ok = v.number(s, n); !ok {
			return false
		}
	}
	if strings.HasPrefix(s, "-") {
		if v.rest, s, ok = identifiers(s, true); !ok {
			return false
		}
	}
	if strings.HasPrefix(s, "+") {
		if _, s, ok = identifiers(s, false); !ok {
			return false
		}
	}
	return s == ""
}

// number reads digits without a leading zero.
func (v *version) number(s string, into *uint64) (rest string, ok bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		*into = *into*10 + uint64(s[i]-'0') // wraps if long, and is then not looked at
		i++
	}
	if i > 18 {
		v.long = true
	}
	return s[i:], i > 0 && (i == 1 || s[0] != '0')
}

// identifiers reads a sign and what follows it: names with dots between them.
func identifiers(s string, numbered bool) (found, rest string, ok bool) {
	start, i := 1, 1
	for ; i < len(s) && s[i] != '+'; i++ {
		switch c := s[i]; {
		case c == '.':
			if !isIdentifier(s[start:i], numbered) {
				return "", "", false
			}
			start = i + 1
		case c != '-' && (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c):
			return "", "", false
		}
	}
	return s[:i], s[i:], isIdentifier(s[start:i], numbered)
}

func isIdentifier(s string, numbered bool) bool {
	return s != "" && (!numbered || !isDigits(s) || len(s) == 1 || s[0] != '0')
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || '9' < s[i] {
			return false
		}
	}
	return true
}

// versionOf reads v, which may be a number.
func versionOf(v value) version {
	switch v.kind {
	case text:
		return parseVersion(v.text())
	case number, integer:
		return parseVersion(fmt.Sprint(v.num))
	default:
		return version{state: versionInvalid}
	}
}

// compareVersions returns -1, 0 or +1. Build metadata do not count.
func compareVersions(a, b *version) int {
	if a.long || b.long {
		return semver.Compare(a.spelt(), b.spelt())
	}
	switch {
	case a.major != b.major:
		return order(a.major < b.major)
	case a.minor != b.minor:
		return order(a.minor < b.minor)
	case a.patch != b.patch:
		return order(a.patch < b.patch)
	case a.rest == b.rest:
		return 0
	}
	return comparePrereleases(a.rest, b.rest)
}

func (v *version) spelt() string {
	if v.long {
		return v.rest
	}
	return fmt.Sprintf("v%d.%d.%d%s", v.major, v.minor, v.patch, v.rest)
}

// upTo is v up to its major or minor number, which cut cuts out of a text.
func (v *version) upTo(cut func(string) string, minor bool) version {
	short := version{long: v.long, major: v.major}
	if minor {
		short.minor = v.minor
	}
	if v.long {
		short.rest = cut(v.rest)
	}
	return short
}

func order(less bool) int {
	if less {
		return -1
	}
	return 1
}

// comparePrereleases compares two that differ, by Semantic Versioning 2.0.0,
// item 11: a release is above them all, numbers are below names.
func comparePrereleases(a, b string) int {
	if a == "" || b == "" {
		return order(b == "")
	}
	a, b = a[1:], b[1:]
	for {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		if x != y {
			return compareIdentifiers(x, y)
		}
		if !moreA || !moreB {
			return order(!moreA)
		}
		a, b = restA, restB
	}
}

func compareIdentifiers(x, y string) int {
	numeric := isDigits(x)
	switch {
	case numeric != isDigits(y):
		return order(numeric)
	case numeric && len(x) != len(y):
		return order(len(x) < len(y))
	}
	return order(x < y)
}

// A relation is the middle operand of sem_ver.
type relation uint8

const (
	noRelation relation = iota
	versionEqual
	versionUnequal
	versionLess
	versionLessOrEqual
	versionGreater
	versionGreaterOrEqual
	sameMajor
	sameMinor
)

var relations = map[string]relation{
	"=": versionEqual, "!=": versionUnequal, "<": versionLess, "<=": versionLessOrEqual,
	">": versionGreater, ">=": versionGreaterOrEqual, "^": sameMajor, "~": sameMinor,
}

func (r relation) holds(a, b *version) bool {
	switch r {
	case sameMajor:
		x, y := a.upTo(semver.Major, false), b.upTo(semver.Major, false)
		return compareVersions(&x, &y) == 0
	case sameMinor:
		x, y := a.upTo(semver.MajorMinor, true), b.upTo(semver.MajorMinor, true)
		return compareVersions(&x, &y) == 0
	}
	c := compareVersions(a, b)
	switch r {
	case versionEqual:
		return c == 0
	case versionUnequal:
		return c != 0
	case versionLess:
		return c < 0
	case versionLessOrEqual:
		return c <= 0
	case versionGreater:
		return c > 0
	default:
		return c >= 0
	}
}

// evalSemVer compares two versions. It gives null if one of the operands is not
// what it should be.
func evalSemVer(v []value, isList bool) value {
	if !isList || len(v) != 3 || v[1].kind != text {
		return nothing
	}
	r := relations[v[1].text()]
	a, b := versionOf(v[0]), versionOf(v[2])
	if r == noRelation || a.state != versionValid || b.state != versionValid {
		return nothing
	}
	return truth(r.holds(&a, &b))
}
