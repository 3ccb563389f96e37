// Package encoded holds the answers of flags in the forms in which they travel:
// the fields of flagd's protobuf messages and the bodies of OFREP.
//
// A flag has few different answers, one for each variant and reason. Each is
// encoded when it is first given and kept with the flag, so that answering costs
// little more than evaluating; it goes when the flag goes.
package encoded

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flagline/flagline/evaluator"
	"github.com/flagline/flagline/internal/structwire"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// A Flag is the answers of one flag. Its methods may be called at once from any
// number of goroutines.
type Flag struct {
	key          string
	counts       *tally.Tally
	metadataJSON []byte
	metadataWire []byte

	definition atomic.Pointer[[]byte]

	few  atomic.Pointer[[]*Answer] // what was given first; never changed in place
	many sync.Map                  // of *Answer by identity, once few is full
	mu   sync.Mutex                // held to add to few
}

// enough answers for flags of few variants are found without hashing.
const enough = 8

// Of returns the answers of f, which are counted in counts. All calls for one
// flag must name the same counts.
func Of(f *evaluator.Flag, counts *tally.Tally) *Flag {
	kept, _ := f.Keep(func(f *evaluator.Flag) any {
		return &Flag{key: f.Key(), counts: counts}
	}).(*Flag)
	return kept
}

// An Answer is one answer of one flag. It never changes, and neither must what
// it holds be changed.
type Answer struct {
	identity

	// Wire is what all of flagd's responses say of it but its value: the
	// fields "reason" (2), "variant" (3) and "metadata" (4). JSON is the same
	// as members of an object. Neither has a variant if there is no value.
	Wire, JSON []byte

	// ValueJSON is the value as JSON. ValueWire is it as an encoded
	// google.protobuf.Struct if it is an object. Both are nil without one.
	ValueJSON, ValueWire []byte

	MetadataWire, MetadataJSON []byte

	// OFREP is the answer as that protocol has it, alone or among many, and
	// Status what it is sent with when alone. Hash tells it from others.
	OFREP  []byte
	Status int
	Hash   [16]byte

	Count *tally.Counter
}

// An identity tells the answers of a flag apart.
type identity struct {
	Variant string
	Reason  evaluator.Reason
	Code    evaluator.ErrorCode // "" unless Reason is ReasonError
}

func identify(r *evaluator.Resolution) identity {
	id := identity{Variant: r.Variant, Reason: r.Reason}
	if r.Err != nil {
		id.Code = r.Err.Code
	}
	return id
}

// Answer returns r, an answer of the flag, in the forms that travel.
func (f *Flag) Answer(r *evaluator.Resolution) *Answer {
	id := identify(r)
	if given := f.few.Load(); given != nil {
		for _, a := range *given {
			if a.identity == id {
				return a
			}
		}
	}
	if a, ok := f.many.Load(id); ok {
		return a.(*Answer) //nolint:forcetypeassert // nothing else is in there
	}
	return f.add(id, r)
}

// add encodes an answer that was not given before.
func (f *Flag) add(id identity, r *evaluator.Resolution) *Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	var given []*Answer
	if list := f.few.Load(); list != nil {
		given = *list
	} else {
		f.metadataJSON = Object(r.Metadata)
		f.metadataWire = structwire.Append(make([]byte, 0, structwire.Size(r.Metadata)), r.Metadata)
	}
	for _, a := range given {
		if a.identity == id {
			return a // somebody else was first
		}
	}
	a := f.encode(id, r)
	if len(given) < enough {
		given = append(slices.Clip(given), a)
		f.few.Store(&given)
	} else if first, loaded := f.many.LoadOrStore(id, a); loaded {
		return first.(*Answer) //nolint:forcetypeassert // nothing else is in there
	}
	return a
}

func (f *Flag) encode(id identity, r *evaluator.Resolution) *Answer {
	a := &Answer{
		identity: id, MetadataWire: f.metadataWire, MetadataJSON: f.metadataJSON,
	}
	if id.Code != "" {
		a.Count = f.counts.Failure(f.key, id.Code)
	} else {
		a.Count = f.counts.Counter(f.key, id.Variant, id.Reason)
	}
	if r.Value != nil {
		a.ValueJSON = Text(r.Value)
		if value, ok := r.Value.(map[string]any); ok {
			a.ValueWire = structwire.Append(make([]byte, 0, structwire.Size(value)), value)
		}
	}
	a.encodeRPC()
	a.encodeOFREP(f.key)
	sum := sha256.Sum256(a.OFREP)
	a.Hash = [16]byte(sum[:16])
	return a
}

// Object returns members as a JSON object, also if there are none.
func Object(members map[string]any) []byte {
	if len(members) == 0 {
		return []byte("{}")
	}
	return Text(members)
}

// Text returns v, which came out of JSON, as JSON.
func Text(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return []byte("null") // unreachable: JSON has a text for whatever it had one for
	}
	return text
}
