package wire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// What a base consists of, at the most. A reader takes nothing larger.
const (
	// MaxBaseChunk is the size of a chunk in bytes: half of what a server's
	// default payload leaves, so that a chunk travels as one message.
	MaxBaseChunk = 512 << 10

	// MaxBaseChunks go with an index in one atomic batch, and are fewer than
	// the 1,024 messages that a server answers one request with.
	MaxBaseChunks = 999

	// MaxBaseBytes is the size of a base in bytes before it is packed.
	MaxBaseBytes = 1 << 30
)

// BaseIndexPart is the name of the part of a base that tells of the others;
// see [Environment.Base].
const BaseIndexPart = "index"

// BaseChunkPart is the name of chunk n of a base, counted from 0.
func BaseChunkPart(n int) string { return strconv.Itoa(n) }

// ParseBaseChunk is the reverse of [BaseChunkPart]. ok is false if part is not
// the name of a chunk that a base can have.
func ParseBaseChunk(part string) (n int, ok bool) {
	n, err := strconv.Atoi(part)
	return n, err == nil && n >= 0 && n < MaxBaseChunks && BaseChunkPart(n) == part
}

// A BaseIndex says what the base of an environment is: which generation it
// holds, and what its chunks must be.
type BaseIndex struct {
	// Protocol is the major version of the protocol; 0 stands for 1.
	Protocol int `json:"protocol,omitempty"`

	// Incarnation and Generation are those of Head. They stand here as well
	// for whoever only wants to know how old a base is.
	Incarnation string `json:"incarnation"`
	Generation  uint64 `json:"generation"`

	// Sequence is where Head is stored in the log: what follows the base
	// begins at the next one.
	Sequence uint64 `json:"sequence"`

	// Chunks is the number of chunks, from 1 to [MaxBaseChunks].
	Chunks int `json:"chunks"`

	// Bytes is the size of what the chunks unpack to, up to [MaxBaseBytes].
	Bytes int64 `json:"bytes"`

	// Hash is the SHA-256 of all chunks in their order, in hexadecimal.
	Hash string `json:"sha256"`

	// Head is the complete head that closed the generation.
	Head Head `json:"head"`
}

// Stands says whether head, which is stored at b's sequence, is b's own: then
// what follows it in the log is what follows the base. A digest vouches for
// what a base holds, and not for where that stands.
func (b BaseIndex) Stands(head Head) bool {
	return head.Incarnation == b.Incarnation && head.Generation == b.Generation &&
		head.Change == b.Head.Change && head.Digest == b.Head.Digest
}

// Marshal encodes b.
func (b BaseIndex) Marshal() ([]byte, error) { return json.Marshal(b) }

// ParseBaseIndex decodes and checks an index.
func ParseBaseIndex(body []byte) (BaseIndex, error) {
	var raw struct {
		BaseIndex
		Head json.RawMessage `json:"head"` // in place of the embedded one
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return BaseIndex{}, fmt.Errorf("base index: %w", err)
	}
	b := raw.BaseIndex
	var err error
	if b.Head, err = ParseHead(raw.Head); err != nil {
		return BaseIndex{}, fmt.Errorf("base index: %w", err)
	}
	if err := b.Check(); err != nil {
		return BaseIndex{}, err
	}
	return b, nil
}

// Check says what is wrong with an index: something that no base can have, or
// that disagrees with its own head.
func (b BaseIndex) Check() error {
	_, badHash := hex.DecodeString(b.Hash)
	switch {
	case b.Protocol > Protocol:
		return fmt.Errorf("base index: protocol %d, and this program speaks only %d", b.Protocol, Protocol)
	case b.Head.More:
		return errors.New("base index: its head is not complete")
	case b.Incarnation != b.Head.Incarnation:
		return fmt.Errorf("base index: incarnation %q with a head of incarnation %q", b.Incarnation, b.Head.Incarnation)
	case b.Generation != b.Head.Generation:
		return fmt.Errorf("base index: generation %d with a head of generation %d", b.Generation, b.Head.Generation)
	case b.Sequence == 0:
		return errors.New("base index: no sequence")
	case b.Chunks < 1 || b.Chunks > MaxBaseChunks:
		return fmt.Errorf("base index: %d chunks, and a base has 1 to %d", b.Chunks, MaxBaseChunks)
	case b.Bytes < 1 || b.Bytes > MaxBaseBytes:
		return fmt.Errorf("base index: %d bytes, and a base has 1 to %d", b.Bytes, MaxBaseBytes)
	case len(b.Hash) != 64 || badHash != nil:
		return fmt.Errorf("base index: %q is not a SHA-256", b.Hash)
	}
	return nil
}
