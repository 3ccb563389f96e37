package reuse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/reuse"
)

func TestMembersArriveOrAreUnknown(t *testing.T) {
	for _, row := range []struct {
		members       []string
		known, arrive bool
	}{
		{nil, false, false},
		{nil, true, true},
		{[]string{"email"}, true, true},
		{[]string{"a.b", "email", "targetingKey"}, true, true},
		{[]string{""}, true, false},
		{[]string{"a", "with space"}, true, false},
		{[]string{"a,b"}, true, false},
		{[]string{"a;b"}, true, false},
		{[]string{"größe"}, true, false},
		{[]string{"a\r\nX: y"}, true, false},
		{[]string{strings.Repeat("x", 2000)}, true, false},
	} {
		value := reuse.Value("m1", row.members, row.known)
		members, known, ok := reuse.Parse(value, "m1")
		if !ok || known != row.arrive || known && !slices.Equal(members, row.members) {
			t.Errorf("%q is told as %q and understood as %q, %v, %v", row.members, value, members, known, ok)
		}
	}
}

func TestAnotherMarkSaysNothing(t *testing.T) {
	for _, value := range []string{"", "m2", "m2;email", "m11", ";m1"} {
		if members, _, ok := reuse.Parse(value, "m1"); ok {
			t.Errorf("%q is understood as %q", value, members)
		}
	}
}
