package cache

import (
	"hash/maphash"
	"math"

	"github.com/flagline/flagline/internal/structwire"
)

// A Key stands for a context in 128 bits: two hashes of it under independent
// random seeds. It means nothing outside of the process that made it.
type Key struct{ first, second uint64 }

// maxDepth bounds how deep a context may nest to have a sum. It stops at a
// map that contains itself.
const maxDepth = 100

// Lanes are the seeds of the two halves of a [Key].
type lanes struct{ first, second maphash.Seed }

// Each kind of thing that is hashed has seeds of its own, which keeps apart
// what has the same bytes: "1" from 1, a list from a map, nil from "".
//
// Being random, the seeds make a collision a matter of luck: nobody outside
// can aim for one without knowing them, and no hash is ever shown to learn
// them from.
var (
	ofText   = newLanes()
	ofNumber = newLanes()
	ofTrue   = newLanes()
	ofFalse  = newLanes()
	ofNull   = newLanes()
	ofObject = newLanes()
	ofList   = newLanes()
	ofLink   = newLanes()
)

func newLanes() lanes { return lanes{maphash.MakeSeed(), maphash.MakeSeed()} }

// Sum returns the key of a context whose values are what encoding/json
// decodes, or whole numbers of any type, which count as the float64 of the
// same value. It reports false for a context with other values, or nested
// deeper than 100: such a context has no key.
//
// Two contexts have the same key if they are equal; the order in which a map
// was filled does not matter. Otherwise their keys differ, unless two hashes of
// 64 bits under independent seeds collide at once. What is no difference to one
// rule is one to the next, so everything counts: a member that is nil is not
// one that is missing, and 0 is not -0.
//
// Sum does not retain ec, and does not allocate.
func Sum(ec map[string]any) (Key, bool) { return sumMap(ec, maxDepth) }

// sumOf is [Sum] of a context that has these members alone.
func sumOf(ec map[string]any, members []string) (sum Key, ok bool) {
	for _, name := range members {
		value, there := ec[name]
		if !there {
			continue
		}
		member, ok := sumMember(name, value, maxDepth)
		if !ok {
			return sum, false
		}
		sum.first += member.first
		sum.second += member.second
	}
	return sum, true
}

// sumMap adds up the members, so that their order is of no account.
func sumMap(m map[string]any, depth int) (sum Key, ok bool) {
	if depth == 0 {
		return sum, false
	}
	for name, value := range m {
		member, ok := Key{}, true
		if t, isText := value.(string); isText { // here as well, since most are
			member = hash(&ofText, textMember{name, t})
		} else if member, ok = sumMember(name, value, depth); !ok {
			return sum, false
		}
		sum.first += member.first
		sum.second += member.second
	}
	return sum, true
}

// sumList chains the elements, so that their order counts.
func sumList(l []any, depth int) (sum Key, ok bool) {
	if depth == 0 {
		return sum, false
	}
	for _, value := range l {
		element, ok := sumMember("", value, depth)
		if !ok {
			return sum, false
		}
		sum = hash(&ofLink, struct{ sum, element Key }{sum, element})
	}
	return sum, true
}

// sumMember hashes a name and its value as one: of names and values that are
// hashed apart, {"a":1,"b":2} and {"a":2,"b":1} would be made of the same.
func sumMember(name string, value any, depth int) (Key, bool) {
	switch v := value.(type) {
	case string:
		return hash(&ofText, textMember{name, v}), true
	case bool:
		if v {
			return hash(&ofTrue, name), true
		}
		return hash(&ofFalse, name), true
	case float64:
		return sumNumber(name, v), true
	case nil:
		return hash(&ofNull, name), true
	case map[string]any:
		if v == nil { // null, as encoding/json has it
			return hash(&ofNull, name), true
		}
		sum, ok := sumMap(v, depth-1)
		return hash(&ofObject, nestedMember{name, sum}), ok
	case []any:
		if v == nil {
			return hash(&ofNull, name), true
		}
		sum, ok := sumList(v, depth-1)
		return hash(&ofList, nestedMember{name, sum}), ok
	default:
		whole, ok := structwire.Number(value)
		return sumNumber(name, whole), ok
	}
}

// What is hashed of a member. The bits of a number and not the float64, whose
// hash takes 0 for -0.
type (
	textMember   struct{ name, text string }
	numberMember struct {
		name string
		bits uint64
	}
	nestedMember struct {
		name string
		sum  Key
	}
)

func sumNumber(name string, v float64) Key {
	return hash(&ofNumber, numberMember{name, math.Float64bits(v)})
}

func hash[T comparable](l *lanes, v T) Key {
	return Key{maphash.Comparable(l.first, v), maphash.Comparable(l.second, v)}
}
