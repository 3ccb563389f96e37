package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flagline/flagline/internal/replica"
	"github.com/flagline/flagline/internal/wire"
)

// segmentSize is when a segment is ended, in bytes.
const segmentSize = 64 << 20

// A writer appends to the journal of one incarnation.
type writer struct {
	dir         string
	env         wire.Environment
	incarnation string
	log         *replica.Log // at the end of the journal

	f    *os.File
	size int64
	err  error // after which nothing is known of the file's end
}

// openWriter goes over what is there and stands at the end of its last whole
// generation. What follows that, a torn entry as a rule, is put aside under the
// name of its segment and ".cut"; cut then says why, and is no reason to worry:
// the log is read again from there.
func openWriter(dir string, env wire.Environment, incarnation string) (w *writer, cut, err error) {
	if !directoryName(incarnation) {
		return nil, nil, fmt.Errorf("incarnation %q cannot name a directory", incarnation)
	}
	w = &writer{dir: filepath.Join(dir, string(env), incarnation), env: env, incarnation: incarnation}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, nil, err
	}
	src, err := openIncarnation(w.dir, env, incarnation)
	if err != nil {
		return nil, nil, err
	}
	var state *replica.State
	last := found{file: -1}
	for f, err := range src.scan() {
		if err != nil {
			if _, ok := errors.AsType[*DamageError](err); !ok {
				return nil, nil, err
			}
			cut = err
			break
		}
		last, state = f, f.step.State
	}
	if cut != nil {
		if err := setAside(src.files, last); err != nil {
			return nil, cut, fmt.Errorf("put a torn end aside: %w", err)
		}
	}
	w.log = replica.NewLog(env, state)
	if last.file < 0 {
		return w, cut, nil
	}
	w.f, err = os.OpenFile(src.files[last.file], os.O_WRONLY|os.O_APPEND, 0)
	w.size = last.offset
	return w, cut, err
}

// setAside leaves of files what is whole: everything up to end.
func setAside(files []string, end found) error {
	for i, file := range files {
		if i > end.file {
			if err := os.Rename(file, file+".cut"); err != nil {
				return err
			}
			continue
		}
		if i < end.file {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file+".cut", data[min(end.offset, int64(len(data))):], 0o600); err != nil {
			return err
		}
		if err := os.Truncate(file, end.offset); err != nil {
			return err
		}
	}
	return nil
}

// append writes generations that follow what is there. They are on the disk
// when it returns. After an error the writer has to be opened anew.
func (w *writer) append(steps []*replica.Step) error {
	if w.err == nil {
		w.err = w.write(steps)
	}
	return w.err
}

func (w *writer) write(steps []*replica.Step) error {
	var buf []byte
	for _, step := range steps {
		if w.f == nil || w.size+int64(len(buf)) > segmentSize {
			if err := w.flush(buf); err != nil {
				return err
			}
			buf = nil
			if err := w.begin(step.Records[0].Seq); err != nil {
				return err
			}
		}
		for _, r := range step.Records {
			var err error
			if buf, err = appendEntry(buf, lineOf(r)); err != nil {
				return err
			}
		}
	}
	return w.flush(buf)
}

func (w *writer) flush(buf []byte) error {
	if len(buf) == 0 {
		return nil
	}
	if _, err := w.f.Write(buf); err != nil {
		return err
	}
	w.size += int64(len(buf))
	return w.f.Sync()
}

// begin begins a segment with the record first.
func (w *writer) begin(first uint64) error {
	if w.f != nil {
		w.f.Close()
	}
	var err error
	w.f, err = os.OpenFile(filepath.Join(w.dir, fmt.Sprintf("%020d%s", first, suffix)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		w.f = nil
		return err
	}
	buf, err := appendEntry([]byte(magic), header{Environment: w.env, Incarnation: w.incarnation, First: first})
	if err != nil {
		return err
	}
	w.size = 0
	if err := w.flush(buf); err != nil {
		return err
	}
	return syncDirectory(w.dir)
}

func (w *writer) close() {
	if w.f != nil {
		w.f.Close()
	}
}

// syncDirectory makes the names in dir last.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
