package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Protocol is the major version of the protocol that this package spells. A
// reader refuses a head with a higher one.
const Protocol = 1

// MaxBody is the largest body of a record, in bytes: what a server's default
// payload of 1 MB leaves beside headers. A reader refuses a larger one.
const MaxBody = 1_000_000

// A Head is the record that closes a generation, or a part of one, and says
// what the environment must look like then.
type Head struct {
	// Protocol is the major version of the protocol; 0 stands for 1.
	Protocol int `json:"protocol,omitempty"`

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

	// Records is the digest of the change's own records, in hexadecimal: see
	// [RecordsDigest]. On complete heads only.
	Records string `json:"records,omitempty"`

	// Shrunk says which sets a publisher emptied, or took a large share of
	// their flags from, on purpose, and in which generation it last did. It
	// is carried along, so that an instance that was away still accepts it.
	Shrunk map[string]uint64 `json:"shrunk,omitempty"`

	// Flags is the number of flags in all sets. On complete heads only.
	Flags int `json:"flags,omitempty"`

	// Digest of all records, in hexadecimal. On complete heads only.
	Digest string `json:"digest,omitempty"`

	// Time is when the publisher made the change.
	Time time.Time `json:"time"`

	// Signatures are by the control plane's keys, over [Head.Signed]: more
	// than one while a key is being replaced. On complete heads only.
	Signatures []Signature `json:"signatures,omitempty"`
}

// A Signature is by one Ed25519 key.
type Signature struct {
	Key   string `json:"key"`   // the key's id: see package signing
	Value []byte `json:"value"` // 64 bytes, as base64
}

// Marshal encodes h.
func (h Head) Marshal() ([]byte, error) { return json.Marshal(h) }

// Signed is what a signature of the head is made over: one line for each thing
// it vouches for, in this order, each ended by a line feed.
//
//	flagline head 1
//	environment, incarnation, epoch, generation, parent, change, records,
//	flags, digest, time as in the record, and for each set of Shrunk in byte
//	order "shrunk", the set as it is spelt in a key, and the generation
func (h Head) Signed(env Environment) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "flagline head %d\n%s\n%s\n%d\n%d\n%s\n%s\n%s\n%d\n%s\n%s\n",
		max(h.Protocol, 1), env, h.Incarnation, h.Epoch, h.Generation, h.Parent, h.Change, h.Records,
		h.Flags, h.Digest, h.Time.UTC().Format(time.RFC3339Nano))
	for _, set := range slices.Sorted(maps.Keys(h.Shrunk)) {
		fmt.Fprintf(&b, "shrunk %s %d\n", escapeSet(set), h.Shrunk[set])
	}
	return []byte(b.String())
}

// RecordsDigest adds up records in the order they stand in the log: it is the
// SHA-256 over, for each of them, the SHA-256 of its key in the bucket and the
// SHA-256 of its body, or 32 zero bytes if the record was removed.
func RecordsDigest(records iter.Seq2[string, []byte]) string {
	all := sha256.New()
	for key, body := range records {
		k := sha256.Sum256([]byte(key))
		var b [sha256.Size]byte
		if body != nil {
			b = sha256.Sum256(body)
		}
		all.Write(k[:])
		all.Write(b[:])
	}
	return hex.EncodeToString(all.Sum(nil))
}

// A Beacon says that a control plane is alive and which generation is the
// newest. It is an ordinary message, stored nowhere.
type Beacon struct {
	Protocol    int         `json:"protocol,omitempty"`
	Incarnation string      `json:"incarnation"`
	Epoch       uint64      `json:"epoch"`
	Generation  uint64      `json:"generation"`
	Digest      string      `json:"digest"`
	Time        time.Time   `json:"time"`
	Signatures  []Signature `json:"signatures,omitempty"`
}

// Marshal encodes b.
func (b Beacon) Marshal() ([]byte, error) { return json.Marshal(b) }

// ParseBeacon decodes a beacon.
func ParseBeacon(body []byte) (Beacon, error) {
	var b Beacon
	if err := json.Unmarshal(body, &b); err != nil {
		return Beacon{}, fmt.Errorf("beacon: %w", err)
	}
	if b.Incarnation == "" || b.Generation == 0 {
		return Beacon{}, errors.New("beacon: no generation of any incarnation")
	}
	return b, nil
}

// Signed is what a signature of the beacon is made over.
func (b Beacon) Signed(env Environment) []byte {
	return fmt.Appendf(nil, "flagline beacon %d\n%s\n%s\n%d\n%d\n%s\n%s\n",
		max(b.Protocol, 1), env, b.Incarnation, b.Epoch, b.Generation, b.Digest, b.Time.UTC().Format(time.RFC3339Nano))
}

// ParseHead decodes and checks a head.
func ParseHead(body []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(body, &h); err != nil {
		return Head{}, fmt.Errorf("head: %w", err)
	}
	switch {
	case h.Incarnation == "":
		return Head{}, errors.New("head: no incarnation")
	case strings.ContainsFunc(h.Incarnation+h.Parent+h.Change+h.Records+h.Digest, unicode.IsControl):
		return Head{}, errors.New("head: a line break or another control character") // see Signed
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
