package base

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// Unpack makes the state of a base from its index and all of its chunks, in
// their order. It believes nothing that it has not checked: how much there is,
// what it hashes to, how it is written, and that the digest of what it holds is
// the one in the head. The memory that it takes grows with what is really
// there, never with what the index or a length claims.
//
// That the head itself is one of the environment's is the caller's to know.
func Unpack(index wire.BaseIndex, chunks [][]byte) (*replica.State, error) {
	if err := index.Check(); err != nil {
		return nil, err
	}
	if err := whole(index, chunks); err != nil {
		return nil, fmt.Errorf("base of generation %d: %w", index.Generation, err)
	}
	plain, err := decompress(index, chunks)
	if err != nil {
		return nil, fmt.Errorf("base of generation %d: %w", index.Generation, err)
	}
	records, err := decode(plain, index.Generation)
	if err != nil {
		return nil, fmt.Errorf("base of generation %d: %w", index.Generation, err)
	}
	state, err := replica.Rebuild(records, index.Head, index.Sequence)
	if err != nil {
		return nil, fmt.Errorf("base of generation %d: %w", index.Generation, err)
	}
	return state, nil
}

// whole says whether chunks are those that index means.
func whole(index wire.BaseIndex, chunks [][]byte) error {
	if len(chunks) != index.Chunks {
		return fmt.Errorf("%d chunks, where its index says %d", len(chunks), index.Chunks)
	}
	all := sha256.New()
	for i, c := range chunks {
		if len(c) > wire.MaxBaseChunk {
			return fmt.Errorf("chunk %d has %d bytes, and %d is the most", i, len(c), wire.MaxBaseChunk)
		}
		all.Write(c)
	}
	if got := hex.EncodeToString(all.Sum(nil)); got != index.Hash {
		return errors.New("its chunks are not those that its index means")
	}
	return nil
}

func decompress(index wire.BaseIndex, chunks [][]byte) ([]byte, error) {
	packed := 0
	readers := make([]io.Reader, len(chunks))
	for i, c := range chunks {
		readers[i] = bytes.NewReader(c)
		packed += len(c)
	}
	// One goroutine's worth: a load shares the machine with what it serves.
	dec, err := zstd.NewReader(io.MultiReader(readers...), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	// Flags compress to about a tenth: most often this is enough at once.
	var plain bytes.Buffer
	plain.Grow(int(min(index.Bytes, 16*int64(packed))) + bytes.MinRead)
	n, err := io.Copy(&plain, io.LimitReader(dec, index.Bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case n != index.Bytes:
		return nil, fmt.Errorf("unpacks to another size than the %d bytes that its index says", index.Bytes)
	}
	return plain.Bytes(), nil
}

// decode reads the records of an unpacked base. Their bodies are parts of
// plain.
func decode(plain []byte, generation uint64) ([]replica.Record, error) {
	rest, ok := bytes.CutPrefix(plain, []byte(opening))
	if !ok {
		return nil, fmt.Errorf("does not begin with %q", opening)
	}
	d := decoder{rest: rest}
	var records []replica.Record
	var last replica.Record
	for len(d.rest) > 0 {
		r := replica.Record{Key: string(d.bytes())}
		r.Body = d.bytes()
		r.Generation = d.number()
		r.Change = d.like(last.Change)
		r.Author = d.like(last.Author)
		switch {
		case d.short:
			return nil, fmt.Errorf("record %d is not whole", len(records))
		case len(records) == maxRecords:
			return nil, fmt.Errorf("more than %d records", maxRecords)
		case r.Key <= last.Key:
			return nil, fmt.Errorf("key %q after %q", r.Key, last.Key)
		case len(r.Body) > wire.MaxBody:
			return nil, fmt.Errorf("key %q: %d bytes, and %d is the most", r.Key, len(r.Body), wire.MaxBody)
		case r.Generation > generation:
			return nil, fmt.Errorf("key %q: brought by the later generation %d", r.Key, r.Generation)
		}
		records = append(records, r)
		last = r
	}
	return records, nil
}

// A decoder reads numbers and strings. Once something is missing, short is true
// and all that is read is empty.
type decoder struct {
	rest  []byte
	short bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.short, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) bytes() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.short, d.rest = true, nil
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// like reads a string that is often the same as the one before, and is then
// kept once.
func (d *decoder) like(before string) string {
	b := d.bytes()
	if string(b) == before {
		return before
	}
	return string(b)
}
