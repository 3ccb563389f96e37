package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/flagline/flagline/internal/wire"
)

func baseIndex() wire.BaseIndex {
	return wire.BaseIndex{
		Incarnation: "i", Generation: 2, Sequence: 7, Chunks: 1, Bytes: 100, Hash: strings.Repeat("0a", 32),
		Head: wire.Head{Incarnation: "i", Epoch: 1, Generation: 2, Change: "c", Part: 1, Digest: strings.Repeat("0", 64)},
	}
}

func TestBaseIndexSurvivesTheWire(t *testing.T) {
	want := baseIndex()
	body, err := want.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.ParseBaseIndex(body); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseBaseIndex(%s) = %+v, %v; want %+v", body, got, err, want)
	}
}

func TestBaseIndexThatCannotBeIsRefused(t *testing.T) {
	for want, spoil := range map[string]func(*wire.BaseIndex){
		"protocol 2":          func(b *wire.BaseIndex) { b.Protocol = 2 },
		"not complete":        func(b *wire.BaseIndex) { b.Head.More = true },
		`incarnation "other"`: func(b *wire.BaseIndex) { b.Incarnation = "other" },
		"generation 3":        func(b *wire.BaseIndex) { b.Generation = 3 },
		"no sequence":         func(b *wire.BaseIndex) { b.Sequence = 0 },
		"0 chunks":            func(b *wire.BaseIndex) { b.Chunks = 0 },
		"1000 chunks":         func(b *wire.BaseIndex) { b.Chunks = wire.MaxBaseChunks + 1 },
		"-1 bytes":            func(b *wire.BaseIndex) { b.Bytes = -1 },
		"1073741825 bytes":    func(b *wire.BaseIndex) { b.Bytes = wire.MaxBaseBytes + 1 },
		"not a SHA-256":       func(b *wire.BaseIndex) { b.Hash = strings.Repeat("x", 64) },
		"without a digest":    func(b *wire.BaseIndex) { b.Head.Digest = "" },
	} {
		b := baseIndex()
		spoil(&b)
		body, err := b.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wire.ParseBaseIndex(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseBaseIndex(%s) gives %v, want something about %q", body, err, want)
		}
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"head":{}}`, `{"head":7}`} {
		if b, err := wire.ParseBaseIndex([]byte(body)); err == nil {
			t.Errorf("ParseBaseIndex(%s) = %+v, want an error", body, b)
		}
	}
}

func TestChunksHaveOneNameEach(t *testing.T) {
	for _, n := range []int{0, 1, 10, wire.MaxBaseChunks - 1} {
		if got, ok := wire.ParseBaseChunk(wire.BaseChunkPart(n)); !ok || got != n {
			t.Errorf("ParseBaseChunk(%q) = %d, %v", wire.BaseChunkPart(n), got, ok)
		}
	}
	for _, part := range []string{"", "index", "-1", "00", "+1", "1.0", "999", "99999999999999999999"} {
		if n, ok := wire.ParseBaseChunk(part); ok {
			t.Errorf("ParseBaseChunk(%q) = %d, want it refused", part, n)
		}
	}
}
