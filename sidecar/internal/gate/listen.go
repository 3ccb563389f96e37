package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

const (
	unixPrefix  = "unix:"
	defaultHost = "127.0.0.1:0"
)

func listen(ctx context.Context, address string) (net.Listener, error) {
	path, ok := strings.CutPrefix(address, unixPrefix)
	if !ok {
		return new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(address, defaultHost))
	}
	if path == "" {
		return nil, errors.New("unix: names no socket; append its path")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err == nil {
		return listener, nil
	}
	if err := sweep(ctx, path, err); err != nil {
		return nil, err
	}
	return new(net.ListenConfig).Listen(ctx, "unix", path)
}

// sweep removes the socket that a process left behind when it was killed. It
// returns why nobody can listen at path otherwise, which is taken if there is
// nothing more to say.
func sweep(ctx context.Context, path string, taken error) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return taken
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket; remove it, or listen elsewhere: %w", path, taken)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	// Any other failure, such as a full queue, comes from somebody who lives.
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("another process listens at %s: %w", path, taken)
	}
	return os.Remove(path)
}
