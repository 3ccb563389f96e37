// Package atomicfile replaces files in one step: whoever reads one sees all of
// the old content or all of the new, whatever happens in between.
package atomicfile

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// leftOver is the age from which a file that was never renamed belongs to
// nobody any more.
const leftOver = time.Hour

// Write replaces the file at path, for its owner alone to read, and returns
// when that is on the disk. What a killed writer left beside it is removed.
func Write(path string, data []byte) error {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+name+".*") // made with mode 0600
	if err != nil {
		return err
	}
	if err := fill(f, data); err != nil {
		return removing(f.Name(), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return removing(f.Name(), err)
	}
	tidy(dir, name)
	return sync(dir)
}

func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func removing(name string, why error) error {
	if err := os.Remove(name); err != nil {
		return fmt.Errorf("%w; and what was written stays as %s", why, name)
	}
	return why
}

// sync puts the rename itself on the disk.
func sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func tidy(dir, name string) {
	old, err := filepath.Glob(filepath.Join(dir, "."+name+".*"))
	if err != nil {
		return // a name that is a pattern: then nothing is tidied
	}
	for _, file := range old {
		if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > leftOver {
			_ = os.Remove(file) // the next writer tries again
		}
	}
}
