package syncrpc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/flagline/flagline/internal/store"
	"github.com/flagline/flagline/sidecar/internal/edition"
	"github.com/flagline/flagline/sidecar/internal/encoded"
	"github.com/flagline/flagline/sidecar/internal/tally"
)

// A document is what a selector shows of a snapshot, written once for all who
// ask for it. It never changes.
type document struct {
	text []byte    // {"flags":{…}}
	made time.Time // when what it says became so
	etag func() string
}

func (d *document) equal(other *document) bool { return bytes.Equal(d.text, other.text) }

// newDocuments returns where documents are kept. They are made of what is kept
// with the flags, which counts goes with.
func newDocuments(counts *tally.Tally) *edition.Shelf[document] {
	return edition.NewShelf(func(snapshot *store.Snapshot, sel store.Selector) *document {
		return write(snapshot, sel, counts)
	}, (*document).equal)
}

// write writes the flags in byte order of their keys. Flags that never compiled
// are left out: one of them would keep an evaluator elsewhere from all others.
func write(snapshot *store.Snapshot, sel store.Selector, counts *tally.Tally) *document {
	var members [][]byte
	size := len(`{"flags":{}}`)
	for _, flag := range snapshot.Flags(sel) {
		if member := encoded.Of(flag, counts).Definition(flag); member != nil {
			members = append(members, member)
			size += len(member) + len(",")
		}
	}
	text := append(make([]byte, 0, size), `{"flags":{`...)
	text = append(text, bytes.Join(members, []byte(","))...)
	text = append(text, "}}"...)
	return &document{text: text, made: time.Now(), etag: sync.OnceValue(func() string {
		sum := sha256.Sum256(text)
		return `"` + hex.EncodeToString(sum[:]) + `"`
	})}
}
