package main

import (
	"bytes"
	"maps"
	"strconv"
	"sync/atomic"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/flagline/flagline/test/compare/workload"
)

// The flags that are asked for: a boolean without a rule, and a text with one
// rule about the end of an e-mail address.
var (
	static   = workload.NewFlag(workload.Static, 0)
	endswith = workload.NewFlag(workload.Suffix, 0)
)

// flagsInAll is how many flags there are beside which those are held.
const flagsInAll = 1000

// document is a flagd document of all flags.
func document() ([]byte, error) {
	asked := []workload.Flag{static, endswith}
	single, err := workload.Document(asked)
	if err != nil {
		return nil, err
	}
	bodies := workload.Bodies(flagsInAll - len(asked))
	_, bodies, _ = bytes.Cut(bodies, []byte(`{"flags":{`))
	return append(append(bytes.TrimSuffix(single, []byte("}}")), ','), bodies...), nil
}

// A subject is whom a flag is asked for, in the forms that are asked with.
type subject struct {
	attributes map[string]any // with the targeting key
	ec         openfeature.EvaluationContext
}

func newSubject(s workload.Subject, attributes int) subject {
	with := s.Attributes(attributes)
	return subject{with, inContext(with)}
}

func inContext(attributes map[string]any) openfeature.EvaluationContext {
	without := maps.Clone(attributes)
	delete(without, targetingKey)
	return openfeature.NewEvaluationContext(attributes[targetingKey].(string), without)
}

const targetingKey = "targetingKey"

// hit is the subject who matches the rule of endswith.
func hit(attributes int) subject { return newSubject(workload.Hit(endswith, 0), attributes) }

// An audience is for whom a flag is asked, one after the other. All of them match
// the rule of endswith. It serves one goroutine.
type audience struct {
	subject
	last    *atomic.Int64 // the number of the last new subject; nil if they are all the same
	without map[string]any
}

// always is the same subject each time.
func always(attributes int) *audience { return &audience{subject: hit(attributes)} }

// another is a subject each time who was never there before, counted in last, and
// who has an e-mail address of their own, which is what the rule of endswith reads.
func another(attributes int, last *atomic.Int64) *audience {
	without := hit(attributes).attributes
	delete(without, targetingKey)
	return &audience{last: last, without: without}
}

// next is who is asked for now.
func (a *audience) next() *subject {
	if a.last != nil {
		key := strconv.AppendInt(append(make([]byte, 0, 24), "user-"...), a.last.Add(1), 10)
		a.without["email"] = string(key) + "@faas.com"
		a.ec = openfeature.NewEvaluationContext(string(key), a.without)
	}
	return &a.subject
}

// crowd is how many subjects answers are compared for, beside the one who is
// timed.
const crowd = 25

// crowdOf are the subjects that answers are compared for.
func crowdOf(attributes int) []subject {
	list := []subject{hit(attributes)}
	for i := range crowd {
		list = append(list, newSubject(workload.NewSubject(i), attributes))
	}
	return list
}
