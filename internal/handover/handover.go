// Package handover is where programs of the same user on the same machine
// leave secrets for each other, so that "flagline flag list" works right after
// "flagline dev" without any settings.
//
// A secret belongs to a kind, such as "token", and to a loopback address that
// it opens. It rests in a file that only the user can read, in a directory
// that only the user can enter.
package handover

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/flagline/flagline/internal/atomicfile"
)

// Leave leaves secret for whoever looks for that kind at addr, a loopback
// host and port, and replaces what was left there before. forget takes it back,
// unless somebody else has replaced it in the meantime.
func Leave(kind, addr string, secret []byte) (forget func(), err error) {
	name, err := fileName(kind, addr)
	if err != nil {
		return nil, err
	}
	dir, err := ownDirectory()
	if err != nil {
		return nil, fmt.Errorf("leave %s for %s: %w", kind, addr, err)
	}
	path := filepath.Join(dir, name)
	if err := atomicfile.Write(path, secret); err != nil {
		return nil, fmt.Errorf("leave %s for %s: %w", kind, addr, err)
	}
	secret = bytes.Clone(secret)
	return func() {
		if left, ok := read(path); ok && bytes.Equal(left, secret) {
			_ = os.Remove(path) // what stays behind opens nothing any more
		}
	}, nil
}

// Find returns what was left for that kind at addr. It finds nothing for an
// address that is not loopback, and trusts no file that others could have
// written or read.
func Find(kind, addr string) (secret []byte, ok bool) {
	name, err := fileName(kind, addr)
	if err != nil {
		return nil, false
	}
	for _, dir := range directories() {
		if isPrivate(dir, fs.ModeDir) != nil {
			continue
		}
		if secret, ok := read(filepath.Join(dir, name)); ok {
			return secret, true
		}
	}
	return nil, false
}

// fileName names the file of a secret. All names of this machine that people
// use for one another mean the same.
func fileName(kind, addr string) (string, error) {
	if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return "", fmt.Errorf("kind %q: only a-z and \"-\" are allowed", kind)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("address %q: %w", addr, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("address %q: the port is not a number from 1 to 65535", addr)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() {
		return "", fmt.Errorf("address %q is not loopback; secrets are left for programs of this machine only", addr)
	}
	if ip = ip.Unmap(); ip.Is6() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return kind + "-" + ip.String() + "_" + port, nil
}

// directories lists where secrets may rest, the preferred place first.
func directories() []string {
	var dirs []string
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "flagline", "local"))
	}
	return append(dirs, filepath.Join(os.TempDir(), "flagline-"+strconv.Itoa(os.Getuid())))
}

// ownDirectory makes sure that there is a directory of ours.
func ownDirectory() (string, error) {
	var problems []error
	for _, dir := range directories() {
		err := os.MkdirAll(dir, 0o700)
		if err == nil {
			err = isPrivate(dir, fs.ModeDir)
		}
		if err == nil {
			return dir, nil
		}
		problems = append(problems, err)
	}
	return "", errors.Join(problems...)
}

// isPrivate checks that path is of that type, and for its user alone.
func isPrivate(path string, kind fs.FileMode) error {
	info, err := os.Lstat(path) // a symbolic link could lead anywhere
	switch {
	case err != nil:
		return err
	case info.Mode().Type() != kind:
		return fmt.Errorf("%s is not what it should be: %s", path, info.Mode().Type())
	case !isOurs(info):
		return fmt.Errorf("%s belongs to somebody else", path)
	}
	return nil
}

func read(path string) (secret []byte, ok bool) {
	if isPrivate(path, 0) != nil {
		return nil, false
	}
	secret, err := os.ReadFile(path)
	return secret, err == nil
}
