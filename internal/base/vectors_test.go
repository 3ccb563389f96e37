package base_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

func TestPublishedBasesAreUnderstood(t *testing.T) {
	data, err := os.ReadFile("../../schemas/protocol-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Bases []struct {
			Name, Index string
			ChunksHex   []string
			Records     []struct {
				Key, Body, Change, Author string
				Generation                uint64
			}
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Bases) == 0 {
		t.Fatal("there are no examples")
	}
	for _, x := range v.Bases {
		index, err := wire.ParseBaseIndex([]byte(x.Index))
		if err != nil {
			t.Fatalf("%s: %v", x.Name, err)
		}
		var chunks [][]byte
		for _, c := range x.ChunksHex {
			chunk, err := hex.DecodeString(c)
			if err != nil {
				t.Fatal(err)
			}
			chunks = append(chunks, chunk)
		}
		got, err := base.Unpack(index, chunks)
		if err != nil {
			t.Fatalf("%s: %v", x.Name, err)
		}
		var records []replica.Record
		for _, r := range x.Records {
			records = append(records, replica.Record{
				Key: r.Key, Body: []byte(r.Body), Generation: r.Generation, Change: r.Change, Author: r.Author,
			})
		}
		want := (&replica.State{}).With(records, index.Head, index.Sequence)
		if !sameEntries(got, want) || got.Seq != index.Sequence {
			t.Errorf("%s: it holds %v at sequence %d, want %v", x.Name, got.Keys(), got.Seq, want.Keys())
		}
		// What we make of the same state is the same, but for how it is packed.
		again, _ := pack(t, want)
		if again.Bytes != index.Bytes {
			t.Errorf("%s: we write it in %d bytes, want %d", x.Name, again.Bytes, index.Bytes)
		}
	}
}
