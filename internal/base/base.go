// Package base packs a state of an environment into a few large messages, from
// which a reader loads it a hundred times quicker than from its log.
//
// The base is derived: whoever loads it checks it against the digest in the
// head, so a wrong one is found, and a missing one only costs a longer load.
//
// Unpacked, a base is the line "flagline base 1", ended by a line feed, and
// then the records of the state one after the other, until the end, in
// ascending byte order of their keys, no key twice. A record is
//
//	key         string: as it is spelt in the bucket, flag.<set>.<flag> or set.<set>
//	body        string: the bytes of the record, at least one
//	generation  number: the one that brought the record
//	change      string: the id of the change that did
//	author      string: who made that change, in UTF-8
//
// A number is written seven bits to a byte, the lowest first, with the top bit
// set in all bytes but the last: LEB128, which Protocol Buffers calls a varint.
// A string is the number of its bytes, and the bytes.
//
// This is compressed as one Zstandard frame (RFC 8878) whose window is at most
// 8 MiB, and cut into chunks of [wire.MaxBaseChunk] bytes, the last of which
// may be shorter. [wire.BaseIndex] says how many there are and what they hash
// to.
package base

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

const (
	// opening begins an unpacked base and says how the rest is written.
	opening = "flagline base 1\n"

	// window is what a decoder must remember of what it has decoded.
	window = 8 << 20

	// maxRecords bounds what a reader makes of a base that consists of very
	// small records only.
	maxRecords = 2 << 20
)

// Pack makes the base of state, which has to be one that a head closed. It is
// an error if the state is larger than a base can be.
func Pack(state *replica.State) (wire.BaseIndex, [][]byte, error) {
	plain, err := encode(state)
	if err != nil {
		return wire.BaseIndex{}, nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return wire.BaseIndex{}, nil, fmt.Errorf("pack base: %w", err)
	}
	packed := enc.EncodeAll(plain, nil)
	sum := sha256.Sum256(packed)
	chunks := slices.Collect(slices.Chunk(packed, wire.MaxBaseChunk))
	index := wire.BaseIndex{
		Protocol:    wire.Protocol,
		Incarnation: state.Head.Incarnation,
		Generation:  state.Generation(),
		Sequence:    state.Seq,
		Chunks:      len(chunks),
		Bytes:       int64(len(plain)),
		Hash:        hex.EncodeToString(sum[:]),
		Head:        state.Head,
	}
	if err := index.Check(); err != nil {
		return wire.BaseIndex{}, nil, fmt.Errorf("pack base: %w", err)
	}
	return index, chunks, nil
}

// encode writes the records of state.
func encode(state *replica.State) ([]byte, error) {
	keys := state.Keys()
	if len(keys) > maxRecords {
		return nil, fmt.Errorf("pack base: %d records, and a base has at most %d", len(keys), maxRecords)
	}
	type spelt struct {
		name string
		key  wire.Key
	}
	all := make([]spelt, 0, len(keys))
	for _, k := range keys {
		all = append(all, spelt{k.String(), k})
	}
	slices.SortFunc(all, func(a, b spelt) int { return cmp.Compare(a.name, b.name) })

	plain := []byte(opening)
	for _, s := range all {
		e, _ := state.Get(s.key)
		plain = appendString(plain, s.name)
		plain = appendString(plain, e.Body)
		plain = binary.AppendUvarint(plain, e.Generation)
		plain = appendString(plain, e.Change)
		plain = appendString(plain, e.Author)
		if len(plain) > wire.MaxBaseBytes {
			return nil, fmt.Errorf("pack base: more than %d bytes", wire.MaxBaseBytes)
		}
	}
	return plain, nil
}

func appendString[S string | []byte](to []byte, s S) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}
