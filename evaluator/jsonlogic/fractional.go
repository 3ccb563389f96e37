package jsonlogic

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/flagline/flagline/evaluator/bucket"
)

// subjectPath leads to the targeting key.
var subjectPath = []string{"targetingKey"}

// maxUnit is how many bytes are hashed without a place on the heap.
const maxUnit = 64

// fractional gives one of several weighted variants, by the hash of a text: the
// first operand, or the flag's key with the targeting key. It gives null if
// something is not as it should be.
func (m *machine) fractional(v []value, isList bool, data value) value {
	if !isList || len(v) == 0 {
		return nothing
	}
	var few [maxUnit]byte
	unit, v, ok := m.unit(v, data, few[:0])
	if !ok || m.err != nil {
		return nothing
	}
	var weights bucket.Weights
	for i := range v {
		if !addShare(&weights, v[i]) {
			return nothing
		}
	}
	at, ok := weights.Place(unit)
	if !ok {
		return nothing
	}
	return valueOf(v[at].list()[0])
}

// unit is what is hashed, appended to into, and the operands that are left.
func (m *machine) unit(v []value, data value, into []byte) ([]byte, []value, bool) {
	if data.kind != object && data.kind != wholeContext {
		return nil, nil, false
	}
	if v[0].kind == text {
		return append(into, v[0].text()...), v[1:], true
	}
	if v[0].kind == null {
		v = v[1:]
	}
	subject := m.lookup(subjectPath, nothing, data)
	if subject.kind != text || subject.text() == "" {
		return nil, nil, false
	}
	into = append(into, m.flagKey(data)...)
	return append(into, subject.text()...), v, true
}

// flagKey is the key of the flag, as data, which an element of an array may be,
// says it.
func (m *machine) flagKey(data value) string {
	if data.kind == wholeContext {
		return m.in.FlagKey
	}
	var properties struct {
		FlagKey   string `json:"flagKey"`
		Timestamp int64  `json:"timestamp"`
	}
	encoded, err := json.Marshal(data.object()["$flagd"])
	if err != nil || json.Unmarshal(encoded, &properties) != nil {
		return ""
	}
	return properties.FlagKey
}

// addShare adds the weight of one of fractional's variants, [variant, weight?].
func addShare(weights *bucket.Weights, v value) bool {
	share := v.list()
	if v.kind != array || len(share) == 0 {
		return false
	}
	switch valueOf(share[0]).kind {
	case null, boolean, number, text:
	default:
		return false
	}
	weight := numeric(1)
	if len(share) > 1 {
		weight = valueOf(share[1])
	}
	switch weight.kind {
	case null:
		return weights.Add(1) == nil
	case number:
		return weights.Add(weight.num) == nil
	default:
		return false
	}
}

// A split is a fractional whose variants and weights are constants.
type split struct {
	weights bucket.Weights
	targets []target // of the variants

	// What is hashed: the operands of a cat; or if there are none, the test's
	// variable, which is the targeting key after the flag's, unless named says
	// that the rule names it.
	pieces []node
	named  bool

	// Where the whole fractional is evaluated, if the variable that was named
	// turns out to be an array: then it is a variant with a weight.
	unusual target
}

// choose returns where the subject's variant leads, or none if it has none.
func (m *machine) choose(v *value, s *split, none target) target {
	var few [maxUnit]byte
	unit, ok := few[:0], true
	switch {
	case len(s.pieces) > 0:
		unit, ok = m.join(unit, s.pieces)
	case !s.named:
		unit, ok = m.own(unit, v)
	case v.kind == text:
		unit = append(unit, v.text()...)
	case v.kind == null:
		subject := m.lookupContext(subjectPath, nothing)
		unit, ok = m.own(unit, &subject)
	case v.kind == array:
		return s.unusual
	default:
		return none
	}
	if !ok || m.err != nil {
		return none
	}
	at, ok := s.weights.Place(unit)
	if !ok {
		return none
	}
	return s.targets[at]
}

// own appends the flag's key and the targeting key v.
func (m *machine) own(unit []byte, v *value) ([]byte, bool) {
	if v.kind != text || v.text() == "" {
		return unit, false
	}
	unit = append(unit, m.in.FlagKey...)
	return append(unit, v.text()...), true
}

// join appends what cat makes of its operands.
func (m *machine) join(unit []byte, pieces []node) ([]byte, bool) {
	for i := range pieces {
		if pieces[i].isFlagKey() {
			unit = append(unit, m.in.FlagKey...)
			continue
		}
		switch v := m.eval(&pieces[i], nothing); v.kind {
		case null:
		case text:
			unit = append(unit, v.text()...)
		case number:
			unit = strconv.AppendFloat(unit, v.num, 'f', -1, 64)
		default:
			m.fail(errOperand)
		}
		if len(unit) > MaxText {
			m.fail(errText)
		}
	}
	if len(pieces) > 1 {
		unit = bytes.TrimSpace(unit)
	}
	return unit, m.err == nil
}
