package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Head is the record that closes a generation, or a part of one, and says
// what the environment must look like then.
type Head struct {
	// Incarnation is the random name of the log, chosen when the bucket was
	// made. Sequences and generations of two incarnations are unrelated.
	Incarnation string `json:"incarnation"`

	// Epoch is higher in the incarnation that was made later. It begins as
	// the time of making in Unix seconds, and rises when somebody restores.
	Epoch uint64 `json:"epoch"`

	// Generation counts the states of the incarnation, from 1. All parts of
	// a change carry the generation that the change makes.
	Generation uint64 `json:"generation"`

	// Parent is the digest of the generation before, "" before the first.
	Parent string `json:"parent"`

	// Change is the id of the change that made the generation.
	Change string `json:"change"`

	// Part counts the parts of a change, from 1.
	Part int `json:"part"`

	// More says that further parts follow. A head without it is complete.
	More bool `json:"more,omitempty"`

	// Flags is the number of flags in all sets. On complete heads only.
	Flags int `json:"flags,omitempty"`

	// Digest of all records, in hexadecimal. On complete heads only.
	Digest string `json:"digest,omitempty"`

	// Time is when the publisher made the change.
	Time time.Time `json:"time"`

	// Signature is reserved for the control plane's signature.
	Signature string `json:"signature,omitempty"`
}

// Marshal encodes h.
func (h Head) Marshal() ([]byte, error) { return json.Marshal(h) }

// ParseHead decodes and checks a head.
func ParseHead(body []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(body, &h); err != nil {
		return Head{}, fmt.Errorf("head: %w", err)
	}
	switch {
	case h.Incarnation == "":
		return Head{}, errors.New("head: no incarnation")
	case h.Generation == 0:
		return Head{}, errors.New("head: no generation")
	case h.Change == "":
		return Head{}, errors.New("head: no change")
	case h.Part < 1:
		return Head{}, errors.New("head: no part")
	case !h.More && len(h.Digest) != 64:
		return Head{}, errors.New("head: complete, but without a digest")
	}
	return h, nil
}

// A Report is what an instance says of itself after each generation, and from
// time to time.
type Report struct {
	Instance    string    `json:"instance"`
	Service     string    `json:"service,omitempty"`
	Version     string    `json:"version,omitempty"` // of the program
	Incarnation string    `json:"incarnation"`
	Generation  uint64    `json:"generation"`
	Digest      string    `json:"digest"`
	State       string    `json:"state"`            // one of the State constants
	Reason      string    `json:"reason,omitempty"` // why rejected or stale
	Quarantined []Flag    `json:"quarantined,omitempty"`
	AgeSeconds  float64   `json:"ageSeconds"` // since the instance last knew that it was current
	Time        time.Time `json:"time"`
	Goodbye     bool      `json:"goodbye,omitempty"` // the instance is ending
}

// What a [Report] can say of the newest generation that the instance saw.
const (
	StateApplied  = "applied"
	StateRejected = "rejected" // it keeps the last good one
)

// A Flag is a quarantined flag in a [Report].
type Flag struct {
	Set    string `json:"set"`
	Key    string `json:"key"`
	Reason string `json:"reason"`
}
