// Package filelock keeps two processes from using one directory.
package filelock

import "errors"

// ErrTaken says that another process has the lock.
var ErrTaken = errors.New("another process is using it")
