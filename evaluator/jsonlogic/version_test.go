package jsonlogic

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// versions are right, odd and wrong ones, with numbers of every length.
func someVersion(random *rand.Rand) string {
	parts := []string{
		"0", "1", "2", "9", "10", "01", "", "x", "v1", "123456789012345678", "1234567890123456789", "99999999999999999999", "1 ",
		"100000000000000000000000000000000000001", "-1",
	}
	pres := []string{"", "", "", "-", "-alpha", "-alpha.1", "-alpha.01", "-1", "-2", "-10", "-a.b", "-a.", "-a..b", "-é", "--", "-0a", "+b", "-rc.1+b.7", "+", "+b+c", "+b..c", "+01", " "}
	n := []int{1, 2, 3, 3, 3, 3, 4}[random.IntN(7)]
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = parts[random.IntN(5)]
		if random.IntN(6) == 0 {
			numbers[i] = parts[random.IntN(len(parts))]
		}
	}
	return []string{"", "", "v", "V", "vv", "VV", " "}[random.IntN(7)] + strings.Join(numbers, ".") + pres[random.IntN(len(pres))]
}

func TestVersionsAreThoseOfTheSemverPackage(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	valid, long := 0, 0
	for range 300_000 {
		a, b := someVersion(random), someVersion(random)
		x, y := parseVersion(a), parseVersion(b)
		if (x.state == versionValid) != semver.IsValid(spelling(a)) {
			t.Fatalf("%q: valid is %v, want %v", a, x.state == versionValid, semver.IsValid(spelling(a)))
		}
		if x.state != versionValid || y.state != versionValid {
			continue
		}
		valid++
		if x.long || y.long {
			long++
		}
		c := semver.Compare(spelling(a), spelling(b))
		if got := compareVersions(&x, &y); got != c {
			t.Fatalf("%q against %q: %d, want %d", a, b, got, c)
		}
		if got, want := sameMajor.holds(&x, &y), semver.Compare(semver.Major(spelling(a)), semver.Major(spelling(b))) == 0; got != want {
			t.Fatalf("%q ^ %q: %v, want %v", a, b, got, want)
		}
		if got, want := sameMinor.holds(&x, &y), semver.Compare(semver.MajorMinor(spelling(a)), semver.MajorMinor(spelling(b))) == 0; got != want {
			t.Fatalf("%q ~ %q: %v, want %v", a, b, got, want)
		}
		for r, want := range map[relation]bool{
			versionEqual: c == 0, versionUnequal: c != 0, versionLess: c < 0,
			versionLessOrEqual: c <= 0, versionGreater: c > 0, versionGreaterOrEqual: c >= 0,
		} {
			if r.holds(&x, &y) != want {
				t.Fatalf("%q, %q, relation %d: want %v", a, b, r, want)
			}
		}
	}
	if valid < 5_000 || long < 1_000 {
		t.Errorf("only %d pairs were valid, %d of them with long numbers", valid, long)
	}
}

// spelling is how flagd writes a version for the semver package.
func spelling(s string) string {
	if strings.HasPrefix(s, "v") {
		return s
	}
	return "v" + strings.TrimPrefix(s, "V")
}
