package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
)

// maxFile is the longest file that is read, in bytes. It holds thousands of
// certificates.
const maxFile = 1 << 20

// A rereader looks whether its files have changed.
type rereader interface{ reread(log *slog.Logger) }

// A kept value is what some files said when they last made sense. Load may be
// called while one goroutine reads the files again.
type kept[T any] struct {
	paths []string
	parse func(contents [][]byte) (*T, error)
	value atomic.Pointer[T]

	digest  [sha256.Size]byte // of what value was made of; not the contents, which are secret
	mistake string            // what was wrong when the files were last read
	told    bool              // the log knows of mistake
}

// keep reads the files for the first time.
func keep[T any](parse func([][]byte) (*T, error), paths ...string) (*kept[T], error) {
	k := &kept[T]{paths: paths, parse: parse}
	if _, err := k.take(); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *kept[T]) load() *T { return k.value.Load() }

// take reads the files and takes over what they say if it is new and makes
// sense. The contents are compared and not the times of the files: those of
// two quick changes may be the same.
func (k *kept[T]) take() (changed bool, err error) {
	contents := make([][]byte, 0, len(k.paths))
	for _, path := range k.paths {
		content, err := readFile(path)
		if err != nil {
			return false, err
		}
		contents = append(contents, content)
	}
	digest := digestOf(contents)
	if digest == k.digest {
		return false, nil
	}
	value, err := k.parse(contents)
	if err != nil {
		return false, fmt.Errorf("%s: %w", strings.Join(k.paths, " and "), err)
	}
	k.value.Store(value)
	k.digest = digest
	return true, nil
}

// reread takes over what the files say, or tells the log once why not. A
// mistake counts when it is still there the next time: between the replacement
// of a certificate and that of its key the two do not match.
func (k *kept[T]) reread(log *slog.Logger) {
	changed, err := k.take()
	if changed {
		log.Info("take over changed files", "origin", strings.Join(k.paths, " "))
	}
	mistake := ""
	if err != nil {
		mistake = err.Error()
	}
	if mistake != k.mistake {
		k.mistake, k.told = mistake, false
		return
	}
	if mistake != "" && !k.told {
		log.Error("keep what the files last said", "err", err)
		k.told = true
	}
}

// readFile reads a file whose end can be told: of a pipe or a device it could
// wait for ever.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var content bytes.Buffer
	if _, err := io.Copy(&content, io.LimitReader(file, maxFile+1)); err != nil {
		return nil, err
	}
	if content.Len() > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, maxFile)
	}
	return content.Bytes(), nil
}

// digestOf tells contents apart, and where one ends and the next begins.
func digestOf(contents [][]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	var size [8]byte
	for _, content := range contents {
		binary.BigEndian.PutUint64(size[:], uint64(len(content)))
		_, _ = h.Write(size[:])
		_, _ = h.Write(content)
	}
	h.Sum(sum[:0])
	return sum
}
