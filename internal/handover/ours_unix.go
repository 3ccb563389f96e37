//go:build unix

package handover

import (
	"io/fs"
	"os"
	"syscall"
)

// isOurs says whether a file belongs to this user, and nobody else may do
// anything with it.
func isOurs(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}
