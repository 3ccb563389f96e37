package replica

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flagline/flagline/internal/wire"
)

// snapshotMagic opens a snapshot file. It is followed by the SHA-256 of the
// rest in hexadecimal, and a newline.
const snapshotMagic = "flagline-snapshot-1 "

type snapshotFile struct {
	Environment wire.Environment `json:"environment"`
	Head        wire.Head        `json:"head"`
	Seq         uint64           `json:"seq"`
	Records     []snapshotRecord `json:"records"`
}

type snapshotRecord struct {
	Key        string `json:"key"`
	Body       []byte `json:"body"` // base64: the digest is over bytes
	Generation uint64 `json:"generation"`
	Change     string `json:"change"`
	Author     string `json:"author"`
}

func snapshotPath(dir string, env wire.Environment) string {
	return filepath.Join(dir, string(env)+".snapshot")
}

// Save keeps s in dir for [Restore]. The file is replaced at once or not at
// all, and is on the disk when Save returns.
func Save(dir string, env wire.Environment, s *State) error {
	f := snapshotFile{Environment: env, Head: s.Head, Seq: s.Seq}
	for _, k := range s.Keys() {
		e, _ := s.Get(k)
		f.Records = append(f.Records, snapshotRecord{k.String(), e.Body, e.Generation, e.Change, e.Author})
	}
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	sum := sha256.Sum256(body)
	data := append([]byte(snapshotMagic+hex.EncodeToString(sum[:])+"\n"), body...)
	if err := replaceFile(snapshotPath(dir, env), data); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// Restore reads what [Save] kept. It returns nil if there is nothing. A file
// that is damaged in any way is set aside, with ".broken" added to its name,
// and reported as an error.
func Restore(dir string, env wire.Environment) (*State, error) {
	path := snapshotPath(dir, env)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	s, err := decodeSnapshot(data, env)
	if err != nil {
		aside := path + ".broken"
		if rename := os.Rename(path, aside); rename != nil {
			return nil, fmt.Errorf("snapshot %s: %w; it could not be set aside: %w", path, err, rename)
		}
		return nil, fmt.Errorf("snapshot %s: %w; set aside as %s", path, err, aside)
	}
	return s, nil
}

func decodeSnapshot(data []byte, env wire.Environment) (*State, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	want, magic := bytes.CutPrefix(line, []byte(snapshotMagic))
	if !ok || !magic {
		return nil, errors.New("not a snapshot")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != string(want) {
		return nil, errors.New("its bytes are not what was written")
	}
	var f snapshotFile
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, err
	}
	if f.Environment != env {
		return nil, fmt.Errorf("of environment %q, not %q", f.Environment, env)
	}

	s := &State{Head: f.Head, Seq: f.Seq}
	put := make(map[string]Entry, len(f.Records))
	records := make([]Record, 0, len(f.Records))
	for _, r := range f.Records {
		put[r.Key] = Entry{r.Body, r.Generation, r.Change, r.Author}
		records = append(records, Record{Key: r.Key, Body: r.Body})
	}
	checked := (&State{}).With(records, f.Head, f.Seq)
	if got := checked.Digest().String(); got != f.Head.Digest {
		return nil, fmt.Errorf("digest %s, where its head says %s", got, f.Head.Digest)
	}
	s.digest, s.flags = checked.digest, checked.flags
	s.entries = s.entries.With(put, nil) // with the generations that With cannot know
	return s, nil
}

// replaceFile writes data beside path and renames it over, so that a reader
// sees the old file or the new one whatever happens in between.
func replaceFile(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync() // the rename itself
}
