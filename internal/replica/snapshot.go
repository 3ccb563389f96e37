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
	"time"

	"github.com/flagline/flagline/internal/atomicfile"
	"github.com/flagline/flagline/internal/wire"
)

// snapshotMagic opens a snapshot file. It is followed by the SHA-256 of the
// rest in hexadecimal, and a newline.
const snapshotMagic = "flagline-snapshot-1 "

type snapshotFile struct {
	Environment wire.Environment `json:"environment"`
	Head        wire.Head        `json:"head"`
	Seq         uint64           `json:"seq"`
	Confirmed   time.Time        `json:"confirmed"`
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

// Save keeps s in dir for [Restore], and when it was last known to be what the
// environment holds. The file is replaced at once or not at all, and is on the
// disk when Save returns.
func Save(dir string, env wire.Environment, s *State, confirmed time.Time) error {
	f := snapshotFile{Environment: env, Head: s.Head, Seq: s.Seq, Confirmed: confirmed.UTC()}
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := atomicfile.Write(snapshotPath(dir, env), data); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// Restore reads what [Save] kept. It returns a nil state if there is nothing. A
// file that is damaged in any way is set aside, with ".broken" added to its
// name, and reported as an error.
func Restore(dir string, env wire.Environment) (s *State, confirmed time.Time, err error) {
	path := snapshotPath(dir, env)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("snapshot: %w", err)
	}
	s, confirmed, err = decodeSnapshot(data, env)
	if err != nil {
		aside := path + ".broken"
		if rename := os.Rename(path, aside); rename != nil {
			return nil, time.Time{}, fmt.Errorf("snapshot %s: %w; it could not be set aside: %w", path, err, rename)
		}
		return nil, time.Time{}, fmt.Errorf("snapshot %s: %w; set aside as %s", path, err, aside)
	}
	return s, confirmed, nil
}

func decodeSnapshot(data []byte, env wire.Environment) (*State, time.Time, error) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	want, magic := bytes.CutPrefix(line, []byte(snapshotMagic))
	if !ok || !magic {
		return nil, time.Time{}, errors.New("not a snapshot")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != string(want) {
		return nil, time.Time{}, errors.New("its bytes are not what was written")
	}
	var f snapshotFile
	if err := json.Unmarshal(body, &f); err != nil {
		return nil, time.Time{}, err
	}
	if f.Environment != env {
		return nil, time.Time{}, fmt.Errorf("of environment %q, not %q", f.Environment, env)
	}

	records := make([]Record, 0, len(f.Records))
	for _, r := range f.Records {
		records = append(records, Record{
			Key: r.Key, Body: r.Body, Generation: r.Generation, Change: r.Change, Author: r.Author,
		})
	}
	s, err := Rebuild(records, f.Head, f.Seq)
	return s, f.Confirmed, err
}
