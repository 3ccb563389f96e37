package base_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/flagline/flagline/internal/base"
	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// state makes a state of records, closed as a publisher would.
func state(t testing.TB, records ...replica.Record) *replica.State {
	t.Helper()
	head := wire.Head{Incarnation: "one", Epoch: 1, Generation: 9, Change: "last", Part: 1}
	s := (&replica.State{}).With(records, head, 1)
	head.Flags, head.Digest = s.Flags(), s.Digest().String()
	return (&replica.State{}).With(records, head, 77)
}

// flags makes the records of n flags of a common size, each tenth of a set of
// its own name.
func flags(n int) []replica.Record {
	records := make([]replica.Record, 0, n)
	for i := range n {
		k := wire.Key{Flag: fmt.Sprintf("flag-%06d", i)}
		if i%10 == 9 {
			k.Set = "web"
		}
		records = append(records, replica.Record{
			Key: k.String(), Generation: uint64(i%9) + 1, Change: fmt.Sprintf("change-%d", i/100), Author: "ada",
			Body: fmt.Appendf(nil, `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",`+
				`"targeting":{"if":[{"==":[{"var":"customer"},"%x"]},"off","on"]},"metadata":{"owner":"team-%d"}}`,
				sha256.Sum256([]byte{byte(i), byte(i >> 8)}), i%7),
		})
	}
	return records
}

// odd are records that a careless encoding trips over.
func odd() []replica.Record {
	var records []replica.Record
	for i, k := range []wire.Key{
		{},
		{Set: "web"},
		{Set: "="},
		{Flag: "head"},
		{Flag: "a.b/c *>"},
		{Set: "größe", Flag: "\x00\xff"},
		{Set: "web", Flag: strings.Repeat("long", 300)},
		{Flag: "A"},
		{Flag: "a"},
		{Flag: "a-"},
	} {
		records = append(records, replica.Record{
			Key: k.String(), Body: fmt.Appendf(nil, "not JSON \xff\n%d", i), Generation: 9,
			Change: strings.Repeat("c", 200), Author: "Grüße, %0D\r\n",
		})
	}
	return append(records, replica.Record{Key: wire.Key{Flag: "large"}.String(), Body: bytes.Repeat([]byte("x"), wire.MaxBody)})
}

func pack(t testing.TB, s *replica.State) (wire.BaseIndex, [][]byte) {
	t.Helper()
	index, chunks, err := base.Pack(s)
	if err != nil {
		t.Fatal(err)
	}
	return index, chunks
}

func sameEntries(a, b *replica.State) bool {
	keys := a.Keys()
	return slices.Equal(keys, b.Keys()) && !slices.ContainsFunc(keys, func(k wire.Key) bool {
		x, _ := a.Get(k)
		y, _ := b.Get(k)
		return !reflect.DeepEqual(x, y)
	})
}

func TestStateSurvivesPacking(t *testing.T) {
	for name, records := range map[string][]replica.Record{
		"nothing": nil, "10 flags": flags(10), "10,000 flags": flags(10_000), "odd ones": odd(),
	} {
		want := state(t, records...)
		index, chunks := pack(t, want)
		got, err := base.Unpack(index, chunks)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Seq != want.Seq || !reflect.DeepEqual(got.Head, want.Head) || got.Digest() != want.Digest() || !sameEntries(got, want) {
			t.Errorf("%s: the state is another one", name)
		}
	}
}

// What does not compress needs several chunks.
func TestLargeStateIsCutIntoChunks(t *testing.T) {
	var records []replica.Record
	for i := range 100 {
		var body []byte
		for j := range 500 {
			sum := sha256.Sum256([]byte{byte(i), byte(j), byte(j >> 8)})
			body = append(body, sum[:]...)
		}
		records = append(records, replica.Record{Key: wire.Key{Flag: fmt.Sprint(i)}.String(), Body: body, Generation: 1})
	}
	want := state(t, records...)
	index, chunks := pack(t, want)
	if len(chunks) != 4 || index.Chunks != 4 {
		t.Fatalf("%d chunks and an index of %d, want 4", len(chunks), index.Chunks)
	}
	for i, c := range chunks {
		if len(c) > wire.MaxBaseChunk || len(c) < wire.MaxBaseChunk && i < 3 {
			t.Errorf("chunk %d has %d bytes", i, len(c))
		}
	}
	if got, err := base.Unpack(index, chunks); err != nil || got.Digest() != want.Digest() {
		t.Errorf("Unpack gives %v", err)
	}
	chunks[1], chunks[2] = chunks[2], chunks[1]
	if _, err := base.Unpack(index, chunks); err == nil {
		t.Error("chunks in the wrong order are taken")
	}
}

// The same state is packed into the same bytes, whatever led to it: so two
// control planes agree.
func TestPackingDependsOnTheStateAlone(t *testing.T) {
	records := flags(500)
	first, _ := pack(t, state(t, records...))
	for i, j := 0, len(records)-1; i < j; i, j = i+1, j-1 {
		records[i], records[j] = records[j], records[i]
	}
	if again, _ := pack(t, state(t, records...)); again.Hash != first.Hash {
		t.Errorf("packed to %s, and in another order to %s", first.Hash, again.Hash)
	}
}

func TestDamagedBaseIsRefused(t *testing.T) {
	want := state(t, flags(20)...)
	index, chunks := pack(t, want)
	other, others := pack(t, state(t, flags(21)...))
	for i := range chunks[0] {
		flipped := bytes.Clone(chunks[0])
		flipped[i] ^= 1 << (i % 8)
		for what, c := range map[string][]byte{"flipped": flipped, "cut": chunks[0][:i]} {
			if _, err := base.Unpack(index, [][]byte{c}); err == nil {
				t.Fatalf("%s at %d: it is taken", what, i)
			}
			// Whoever can write a chunk can also write its hash. (A bit of
			// Zstandard's header means nothing, so that not all is refused.)
			sum := sha256.Sum256(c)
			lying := index
			lying.Hash = hex.EncodeToString(sum[:])
			if got, err := base.Unpack(lying, [][]byte{c}); err == nil && !sameEntries(got, want) {
				t.Fatalf("%s at %d, with the right hash: it is taken", what, i)
			}
		}
	}
	another := index
	another.Incarnation = "two"
	lessFlags := index
	lessFlags.Head.Flags--
	for what, b := range map[string]struct {
		index  wire.BaseIndex
		chunks [][]byte
	}{
		"a chunk of another generation": {index, others},
		"the index of another":          {other, chunks},
		"no chunk":                      {index, nil},
		"a chunk too many":              {index, append(chunks[:1:1], others...)},
		"another incarnation":           {another, chunks},
		"fewer flags":                   {lessFlags, chunks},
		"a chunk too large":             {index, [][]byte{make([]byte, wire.MaxBaseChunk+1)}},
	} {
		if _, err := base.Unpack(b.index, b.chunks); err == nil {
			t.Errorf("%s: it is taken", what)
		}
	}
}

// forge packs plain under an index that is right about it.
func forge(t testing.TB, head wire.Head, plain []byte) (wire.BaseIndex, [][]byte) {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := enc.EncodeAll(plain, nil)
	sum := sha256.Sum256(packed)
	return wire.BaseIndex{
		Incarnation: head.Incarnation, Generation: head.Generation, Sequence: 77, Chunks: 1,
		Bytes: int64(len(plain)), Hash: hex.EncodeToString(sum[:]), Head: head,
	}, [][]byte{packed}
}

func TestBaseThatIsWrittenWronglyIsRefused(t *testing.T) {
	str := func(s string) string { return string(binary.AppendUvarint(nil, uint64(len(s)))) + s }
	record := func(key, body string) string { return str(key) + str(body) + "\x01" + str("c") + str("ada") }
	const opening = "flagline base 1\n"
	good := state(t, replica.Record{Key: "flag.=.a", Body: []byte("1")}, replica.Record{Key: "flag.=.b", Body: []byte("2")})
	index, chunks := forge(t, good.Head, []byte(opening+record("flag.=.a", "1")+record("flag.=.b", "2")))
	if _, err := base.Unpack(index, chunks); err != nil {
		t.Fatalf("what is written as documented is refused: %v", err)
	}
	for want, plain := range map[string]string{
		"begin with":       "flagline base 2\n" + record("flag.=.a", "1") + record("flag.=.b", "2"),
		`after "flag.=.b"`: opening + record("flag.=.b", "2") + record("flag.=.a", "1"),
		`after "flag.=.a"`: opening + record("flag.=.a", "1") + record("flag.=.a", "1") + record("flag.=.b", "2"),
		"of which 1":       opening + record("flag.=.=61", "1") + record("flag.=.b", "2"),
		"of which 2":       opening + record("flag.=.a", "1") + record("flag.=.b", "2") + record("head", "2"),
		"no body":          opening + record("flag.=.a", "1") + record("flag.=.b", "2") + record("flag.=.c", ""),
		"digest":           opening + record("flag.=.a", "1"),
		"is not whole":     opening + record("flag.=.a", "1") + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"is the most":      opening + record("flag.=.a", strings.Repeat("x", wire.MaxBody+1)),
		"later generation": opening + str("flag.=.a") + str("1") + "\x0a" + str("c") + str("ada"),
	} {
		index, chunks := forge(t, good.Head, []byte(plain))
		if _, err := base.Unpack(index, chunks); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want something about %q", plain[:min(len(plain), 80)], err, want)
		}
	}
}

// A kilobyte that claims to be a gigabyte costs about a kilobyte.
func TestSizesThatAreClaimedAreNotBelieved(t *testing.T) {
	good := state(t, replica.Record{Key: "flag.=.a", Body: []byte("1")})
	index, chunks := pack(t, good)
	index.Bytes = wire.MaxBaseBytes
	// The frame's header claims as much: a window of one segment, and a
	// content size of eight bytes.
	frame := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0b11100000}, binary.LittleEndian.AppendUint64(nil, wire.MaxBaseBytes)...)
	frame = append(frame, 0x01, 0, 0) // one last block, raw, empty
	sum := sha256.Sum256(frame)
	claims := index
	claims.Hash = hex.EncodeToString(sum[:])
	long := []byte("flagline base 1\n\xff\xff\xff\xff\x03")
	lying, body := forge(t, good.Head, long)
	for what, b := range map[string]struct {
		index  wire.BaseIndex
		chunks [][]byte
	}{
		"the index": {index, chunks}, "the frame": {claims, [][]byte{frame}}, "a string": {lying, body},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := base.Unpack(b.index, b.chunks); err == nil {
			t.Errorf("%s claims a gigabyte, and is taken", what)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
			t.Errorf("%s claims a gigabyte, and gets %d bytes", what, got)
		}
	}
}

// A megabyte of nothing that unpacks to more than the index says is given up
// where the index ends.
func TestMoreThanTheIndexSaysIsNotUnpacked(t *testing.T) {
	good := state(t, replica.Record{Key: "flag.=.a", Body: []byte("1")})
	index, chunks := forge(t, good.Head, make([]byte, 200<<20))
	index.Bytes = 1000
	if _, err := base.Unpack(index, chunks); err == nil || !strings.Contains(err.Error(), "another size") {
		t.Errorf("Unpack gives %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, records := range [][]replica.Record{nil, flags(1), flags(20), odd()[:10]} {
		s := state(f, records...)
		index, chunks := pack(f, s)
		body, err := index.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, chunks[0], false)
		dec, err := zstd.NewReader(nil)
		if err != nil {
			f.Fatal(err)
		}
		plain, err := dec.DecodeAll(chunks[0], nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, plain, true)
	}
	f.Fuzz(func(t *testing.T, body, data []byte, compress bool) {
		index, err := wire.ParseBaseIndex(body)
		if err != nil {
			return
		}
		chunks := [][]byte{data}
		if compress {
			var forged wire.BaseIndex
			forged, chunks = forge(t, index.Head, data)
			index.Bytes, index.Hash, index.Chunks = forged.Bytes, forged.Hash, 1
		} else {
			sum := sha256.Sum256(data)
			index.Hash, index.Chunks = hex.EncodeToString(sum[:]), 1
		}
		got, err := base.Unpack(index, chunks)
		if err != nil {
			return
		}
		if got.Digest().String() != index.Head.Digest {
			t.Errorf("a base of digest %s is taken for %s", got.Digest(), index.Head.Digest)
		}
		again, packed := pack(t, got)
		if back, err := base.Unpack(again, packed); err != nil || back.Digest() != got.Digest() {
			t.Errorf("what was unpacked cannot be packed again: %v", err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := state(b, flags(n)...)
			b.ReportAllocs()
			for b.Loop() {
				pack(b, s)
			}
		})
	}
}

func BenchmarkUnpack(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			index, chunks := pack(b, state(b, flags(n)...))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := base.Unpack(index, chunks); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(index.Bytes), "plain-bytes")
		})
	}
}
