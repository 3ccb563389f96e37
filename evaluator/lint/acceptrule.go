package lint

import (
	"bytes"
	"math"

	"github.com/flagline/flagline/evaluator/internal/syntax"
	"github.com/flagline/flagline/evaluator/jsonlogic"
)

// rule says whether a rule is certainly right. If it is the flag's answer, it
// has to name variants.
//
// It is stricter than [critic.rule]: it takes for a call what might be data,
// since it need not know which operators never look at their arguments.
func (r *reader) rule(at int32, answer bool) bool {
	switch r.nodes[at].shape {
	case isString:
		return !answer || r.constant(at)
	case isArray:
		return r.rules(at)
	case isObject:
		if r.nodes[at].length == 1 {
			return r.call(at+1, at+2, answer)
		}
		return !r.mentions(at)
	default:
		return true
	}
}

func (r *reader) rules(list int32) bool {
	first, end, _ := r.values(list)
	for element := first; element < end; element = r.next(element) {
		if !r.rule(element, false) {
			return false
		}
	}
	return true
}

// call is [reader.rule] for an operator with its arguments.
func (r *reader) call(operator, args int32, answer bool) bool {
	if !r.nodes[operator].plain {
		return false
	}
	switch string(r.text(operator)) {
	case syntax.Ref:
		return r.ref(args, answer)
	case "if", "?:":
		return r.choice(args, answer)
	case "fractional":
		return r.fractional(args, answer)
	case "sem_ver":
		return r.semVer(args) && r.rule(args, false)
	case "starts_with", "ends_with":
		return r.arguments(args, 2) && r.rule(args, false)
	default:
		return jsonlogic.IsOperator(string(r.text(operator))) && r.rule(args, false)
	}
}

// choice answers with every second argument, and with the last.
func (r *reader) choice(args int32, answer bool) bool {
	if !answer || !r.is(args, isArray) {
		return r.rule(args, false)
	}
	first, end, _ := r.values(args)
	for i, element := int32(0), first; element < end; i, element = i+1, r.next(element) {
		condition := i%2 == 0 && i < r.nodes[args].length-1
		if !r.rule(element, !condition) {
			return false
		}
	}
	return true
}

// isLogic says whether a value is known only once it has been evaluated.
func (r *reader) isLogic(at int32) bool {
	return r.is(at, isObject) && r.nodes[at].length == 1
}

func (r *reader) fractional(args int32, answer bool) bool {
	if r.isLogic(args) {
		return r.rule(args, false)
	}
	if !r.is(args, isArray) || r.nodes[args].length == 0 {
		return false
	}
	var sum int64
	first, end, _ := r.values(args)
	for element := first; element < end; element = r.next(element) {
		switch bucketBy := element == first; {
		case bucketBy && r.is(element, isString|isNull):
		case r.isLogic(element):
			if !r.rule(element, false) {
				return false
			}
		default:
			weight, ok := r.share(element, answer)
			if !ok {
				return false
			}
			sum += weight
		}
	}
	return sum <= math.MaxInt32
}

// share returns the weight of a variant, or 0 if it has to be evaluated.
func (r *reader) share(at int32, answer bool) (weight int64, ok bool) {
	if !r.is(at, isArray) || r.nodes[at].length == 0 || !r.rule(at+1, answer) {
		return 0, false
	}
	if r.nodes[at].length == 1 {
		return 1, true
	}
	first, end, _ := r.values(at)
	second := r.next(first)
	for element := second; element < end; element = r.next(element) {
		if !r.rule(element, false) {
			return 0, false
		}
	}
	switch {
	case r.is(second, isNull):
		return 1, true
	case r.isLogic(second):
		return 0, true
	case r.is(second, isNumber):
		return wholeNumber(r.text(second))
	}
	return 0, false
}

// wholeNumber returns a number that is written with nothing but a few digits.
func wholeNumber(text []byte) (n int64, ok bool) {
	const digits = 10 // of the largest weight
	if len(text) > digits {
		return 0, false
	}
	for _, b := range text {
		if !isDigit(b) {
			return 0, false
		}
		n = 10*n + int64(b-'0')
	}
	return n, true
}

// arguments says whether there are as many as wanted, or nobody knows yet.
func (r *reader) arguments(args, want int32) bool {
	return r.isLogic(args) || r.is(args, isArray) && r.nodes[args].length == want
}

func (r *reader) semVer(args int32) bool {
	if !r.arguments(args, 3) {
		return false
	}
	if r.isLogic(args) {
		return true
	}
	operator := r.next(args + 1)
	if r.isLogic(operator) {
		return true
	}
	if !r.is(operator, isString) {
		return false
	}
	for _, known := range semVerOperators {
		if string(r.text(operator)) == known {
			return true
		}
	}
	return false
}

// constant says whether a string that stands in a rule names a variant.
func (r *reader) constant(at int32) bool {
	name := r.text(at)
	return isSpeltAsItIs(name) && r.isVariant(at)
}

// isSpeltAsItIs says whether name is surely what flagd makes of it, see
// [spelledOut]. 0xE2 begins, among many others, the two line separators that
// are escaped.
func isSpeltAsItIs(name []byte) bool {
	return !bytes.ContainsAny(name, "<>&") && bytes.IndexByte(name, 0xE2) < 0
}

// ref says whether a reference leads to an evaluator that is in order and
// answers, where it is asked to, with names of variants.
func (r *reader) ref(args int32, answer bool) bool {
	if !r.is(args, isString) || !r.nodes[args].plain {
		return false
	}
	loan, ok := r.loans.of(string(r.text(args)))
	if !ok || !answer {
		return ok
	}
	for _, name := range loan.constants {
		if !r.hasVariant([]byte(name)) {
			return false
		}
	}
	return true
}

// mentions says whether data may hold a reference, which is looked for there
// too.
func (r *reader) mentions(data int32) bool {
	for at := data; at < r.next(data); at++ {
		if r.is(at, isString) && (!r.nodes[at].plain || string(r.text(at)) == syntax.Ref) {
			return true
		}
	}
	return false
}
