package lint

import (
	"bytes"
	"strings"
)

// A reader reads flags and is quickly content with those that are as they
// should be, which most are. It says yes only where neither the schema nor
// [critic.flag] would find anything, not even something to warn of, and where
// no reference leads into a circle. Where it does not say yes, it does not say
// no either: then they decide. What they learn to object to, it must not
// accept; FuzzSkimFindsWhatStudyFinds looks after that.
type reader struct {
	*tree

	loans   *loans // what the flags may borrow
	inArray bool   // flags name their key

	variants int32               // of the flag that is being read
	names    map[string]struct{} // of its variants, if they are many
}

// accepts says whether the flag that is the tree is certainly right.
func (r *reader) accepts() bool {
	const flag = 0
	if !r.is(flag, isObject) {
		return false
	}
	var parts parts
	first, end, step := r.values(flag)
	for value := first; value < end; value = r.next(value) + step {
		if !r.nodes[value-1].plain || !r.member(value, &parts) {
			return false
		}
	}
	return parts.state && parts.variants > 0 && (parts.key || !r.inArray) &&
		r.understands(parts)
}

// parts are what of a flag needs a second look, once all of it has been seen.
type parts struct {
	state, key                          bool  // there is one, and it is right
	variants, defaultVariant, targeting int32 // 0 if there is none
}

// member looks at one member of a flag alone.
func (r *reader) member(value int32, p *parts) bool {
	switch string(r.text(value - 1)) {
	case "state":
		text := string(r.text(value))
		p.state = r.is(value, isString) && (text == "ENABLED" || text == "DISABLED")
		return p.state
	case "variants":
		p.variants = value
	case "defaultVariant":
		p.defaultVariant = value
	case "targeting":
		p.targeting = value
	case "key":
		p.key = r.is(value, isString) && r.nodes[value].start < r.nodes[value].end
	case "metadata":
		return r.are(value, isObject, isString|isNumber|isBool)
	case "description", "owner", "type":
		return r.is(value, isString)
	case "tags":
		return r.are(value, isArray, isString)
	case "expires":
		return r.is(value, isString) && isMoment(string(r.text(value)))
	}
	return true
}

// understands looks at what depends on the variants.
func (r *reader) understands(p parts) bool {
	if !r.alike(p.variants) {
		return false
	}
	r.variants = p.variants
	r.index()
	if at := p.defaultVariant; at > 0 && !r.is(at, isNull) {
		named := r.is(at, isString) && (r.nodes[at].start == r.nodes[at].end || r.isVariant(at))
		if !named {
			return false
		}
	}
	return p.targeting == 0 || r.rule(p.targeting, true)
}

// alike says whether there are variants, and an application can ask for all of
// them in the same way.
func (r *reader) alike(at int32) bool {
	if !r.is(at, isObject) || r.nodes[at].length == 0 {
		return false
	}
	one := r.nodes[at+2].shape
	return one&(isBool|isNumber|isString|isObject) != 0 && r.are(at, isObject, one)
}

// many is how many variants are better looked up than gone through.
const many = 16

func (r *reader) index() {
	r.names = nil
	if r.nodes[r.variants].length <= many {
		return
	}
	r.names = make(map[string]struct{}, r.nodes[r.variants].length)
	first, end, _ := r.values(r.variants)
	for value := first; value < end; value = r.next(value) + 1 {
		if r.nodes[value-1].plain {
			r.names[string(r.text(value-1))] = struct{}{}
		}
	}
}

// isVariant says whether a string names a variant, as it is written.
func (r *reader) isVariant(at int32) bool {
	return r.nodes[at].plain && r.hasVariant(r.text(at))
}

func (r *reader) hasVariant(name []byte) bool {
	if r.names != nil {
		_, ok := r.names[string(name)]
		return ok
	}
	first, end, _ := r.values(r.variants)
	for value := first; value < end; value = r.next(value) + 1 {
		if r.nodes[value-1].plain && bytes.Equal(r.text(value-1), name) {
			return true
		}
	}
	return false
}

// isMoment says whether text is a day, or a moment with a zone, as the schema
// has them.
func isMoment(text string) bool {
	day, ok := digitsLike(text, "0000-00-00")
	if !ok || day == "" {
		return ok
	}
	rest, ok := digitsLike(day, "T00:00:00")
	if !ok {
		return false
	}
	if rest != "" && rest[0] == '.' {
		fraction := strings.TrimLeft(rest[1:], "0123456789")
		if len(fraction) == len(rest)-1 {
			return false
		}
		rest = fraction
	}
	if rest == "Z" {
		return true
	}
	if rest == "" || rest[0] != '+' && rest[0] != '-' {
		return false
	}
	rest, ok = digitsLike(rest[1:], "00:00")
	return ok && rest == ""
}

// digitsLike returns what follows in text after a part that is like the
// pattern, in which a 0 stands for any digit.
func digitsLike(text, pattern string) (rest string, ok bool) {
	if len(text) < len(pattern) {
		return text, false
	}
	for i := range len(pattern) {
		if pattern[i] != text[i] && (pattern[i] != '0' || !isDigit(text[i])) {
			return text, false
		}
	}
	return text[len(pattern):], true
}
