package file

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/flagline/flagline/internal/flagdoc"
	"github.com/flagline/flagline/source"
)

const (
	// granularity is how far apart two edits must be for their times to
	// differ on any file system. A file edited more recently than that is
	// read even if its time and size have not changed.
	granularity = 2 * time.Second

	// attempts is how often a file that changes under the reader is read.
	attempts = 3
)

// A watch is what one call of [Source.Watch] knows about the file.
type watch struct {
	source *Source
	sink   source.Sink
	status source.Status

	info os.FileInfo // of the file that was read last; nil if it went away
	read time.Time   // when that was

	seen      [sha256.Size]byte // what was read last
	bad       error             // why that could not be delivered
	delivered [sha256.Size]byte // what was delivered last
	sent      bool              // whether anything was
}

// poll looks at the file once, delivers what is new, and reports.
func (w *watch) poll() {
	now := time.Now()
	info, err := regular(w.source.path)
	w.status.Connected = err == nil
	if err == nil {
		err = w.look(info, now)
	}
	if _, gone := errors.AsType[*fs.PathError](err); gone {
		w.status.Connected = false // it went away between two looks
	}
	if err == nil {
		w.status.Confirmed = now
	}
	w.status.Err = err
	w.sink.Report(w.status)
}

// look delivers what the file holds, unless that was delivered already.
func (w *watch) look(info os.FileInfo, now time.Time) error {
	if w.info != nil && same(w.info, info) && w.read.Sub(info.ModTime()) > granularity {
		return w.bad
	}
	w.info = nil // until it has been read
	data, info, err := readWhole(w.source.path, info)
	if err != nil {
		return err
	}
	w.info, w.read = info, now
	if sum := sha256.Sum256(data); sum != w.seen {
		w.seen = sum
		w.bad = w.deliver(data)
	}
	return w.bad
}

// deliver hands the document in data on, as the only one that counts. What it
// cannot read it leaves alone.
func (w *watch) deliver(data []byte) error {
	if w.sent && w.seen == w.delivered {
		return nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%s: the file is empty", w.source.path)
	}
	doc, err := flagdoc.ParseFile(w.source.path, data)
	if err != nil {
		return err
	}
	w.delivered, w.sent = w.seen, true
	w.sink.Apply(source.Update{
		Version: source.Version{Generation: w.source.delivered.Add(1), Time: w.info.ModTime()},
		Replace: true,
		Records: doc.Records(),
	})
	return nil
}

// readWhole reads a file that does not change meanwhile, so that a document
// that is being written is not taken for a shorter one.
func readWhole(path string, info os.FileInfo) ([]byte, os.FileInfo, error) {
	for range attempts {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		after, err := regular(path)
		if err != nil {
			return nil, nil, err
		}
		if same(info, after) && int64(len(data)) == after.Size() {
			return data, after, nil
		}
		info = after
	}
	return nil, nil, fmt.Errorf("%s: the file changes while it is read", path)
}

// regular describes the file behind path. It refuses what cannot be read from
// beginning to end, such as a directory or a pipe.
func regular(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: this is not a regular file", path)
	}
	return info, err
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
