//go:build !unix

package handover

import "io/fs"

// isOurs trusts the access control of the user's own directories, which file
// modes do not show here.
func isOurs(fs.FileInfo) bool { return true }
