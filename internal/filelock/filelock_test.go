//go:build unix

package filelock_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/flagline/flagline/internal/filelock"
)

func TestLockIsTakenOnceAndGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := filelock.Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Take(path); !errors.Is(err, filelock.ErrTaken) {
		t.Errorf("taking it twice gives %v, want ErrTaken", err)
	}
	unlock()
	again, err := filelock.Take(path)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	again()
	if _, err := filelock.Take(filepath.Join(path, "no", "where")); err == nil {
		t.Error("a lock is taken where there is no directory")
	}
}
