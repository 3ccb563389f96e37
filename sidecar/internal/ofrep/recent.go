package ofrep

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/encoded"
)

// Pages ask the same question again and again. As long as the flags are the
// same, so are the answers, unless a rule reads the time: what is asked twice is
// remembered, which costs a pointer for each flag, up to a number of answers in
// all.
const (
	maxRemembered = 1 << 20

	// heardOf is how many questions that were asked once are known, by a part of
	// what tells them apart. Each has one place, which others take from it.
	heardOf = 4096
)

// recentAnswers remembers the answers to recent questions. The zero value is
// empty.
type recentAnswers struct {
	mu        sync.RWMutex
	snapshot  uint64 // all of them are about this one
	questions map[[sha256.Size]byte]*answers
	total     int // answers in all questions
	heard     [heardOf]uint64
}

// answers evaluates all flags for q, or remembers what came of it.
func (s *Service) answers(snapshot *store.Snapshot, q *question, headers http.Header) *answers {
	id := s.identify(q, headers)
	if found := s.recent.find(snapshot, id); found != nil {
		return found
	}
	found, lasting := &answers{list: make([]*encoded.Answer, 0, snapshot.AtMost(q.sel))}, true
	for _, flag := range snapshot.Flags(q.sel) {
		r := flag.Evaluate(q.context)
		found.add(encoded.Of(flag, s.counts).Answer(&r))
		lasting = lasting && !flag.ReadsTime()
	}
	if lasting {
		s.recent.remember(snapshot, id, found)
	}
	return found
}

// identify tells questions apart, by everything that their answers depend on.
func (s *Service) identify(q *question, headers http.Header) (id [sha256.Size]byte) {
	b := make([]byte, 0, 256)
	b = appendPart(b, q.sel.Source)
	b = appendPart(b, q.sel.Set)
	b = strconv.AppendBool(b, q.sel.BySet)
	for _, name := range slices.Sorted(maps.Keys(s.Rules.Headers)) {
		values := headers.Values(name)
		b = strconv.AppendBool(b, len(values) > 0)
		if len(values) > 0 {
			b = appendPart(b, values[0])
		}
	}
	return sha256.Sum256(append(b, q.body[:]...))
}

// appendPart appends text so that where it ends is not in doubt.
func appendPart(b []byte, text string) []byte {
	return append(strconv.AppendQuote(b, text), ',')
}

func (r *recentAnswers) find(snapshot *store.Snapshot, id [sha256.Size]byte) *answers {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.snapshot != snapshot.Number {
		return nil
	}
	return r.questions[id]
}

func (r *recentAnswers) remember(snapshot *store.Snapshot, id [sha256.Size]byte, found *answers) {
	const overhead = 16 // of a question, in answers
	r.mu.Lock()
	defer r.mu.Unlock()
	if snapshot.Number < r.snapshot {
		return
	}
	cost := overhead + cap(found.list)
	if snapshot.Number > r.snapshot || r.questions == nil || r.total+cost > maxRemembered {
		r.snapshot, r.total = snapshot.Number, 0
		r.questions = map[[sha256.Size]byte]*answers{}
	}
	sign := binary.LittleEndian.Uint64(id[:8])
	if place := &r.heard[sign%heardOf]; *place != sign {
		*place = sign
		return
	}
	if _, known := r.questions[id]; !known {
		r.total += cost
	}
	r.questions[id] = found
}
