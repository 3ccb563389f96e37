package environ

import (
	"cmp"
	"errors"
	"net"
	"strconv"
	"strings"
)

// A Mode is how a provider comes by its answers.
type Mode uint8

// The modes.
const (
	Sidecar    Mode = iota // each answer from a server
	SyncStream             // in-process, with the flags of a server
	File                   // in-process, with the flags of a file
)

// An Origin is what a provider follows.
type Origin struct {
	Mode    Mode
	Address string // of the server, as host:port, unix:PATH or a gRPC target
	Path    string // of the file
}

// Where servers listen unless told otherwise.
const (
	defaultHost     = "localhost"
	defaultPort     = 8013
	defaultSyncPort = 8015
)

// Origin returns what s says is to be followed, with flagd's rules: in-process
// evaluation with a file is evaluation of that file; a target counts before a
// socket, and a socket before host and port; the port of in-process evaluation
// is that of the sync service. Unlike the official provider, which has no use
// for a target over RPC nor for a socket in-process, it knows both in both.
//
// The error is that of a file without a path.
func (s Settings) Origin() (Origin, error) {
	switch {
	case s.Resolver == ResolverFile && s.OfflinePath == "":
		return Origin{}, errors.New("the resolver is file, but no file is named: set FLAGLINE_OFFLINE_FLAG_SOURCE_PATH or FLAGD_OFFLINE_FLAG_SOURCE_PATH")
	case s.Resolver == ResolverFile, s.Resolver == ResolverInProcess && s.OfflinePath != "":
		return Origin{Mode: File, Path: s.OfflinePath}, nil
	case s.Resolver == ResolverInProcess:
		return Origin{Mode: SyncStream, Address: s.address(cmp.Or(s.SyncPort, s.Port, defaultSyncPort))}, nil
	}
	return Origin{Mode: Sidecar, Address: s.address(cmp.Or(s.Port, defaultPort))}, nil
}

func (s Settings) address(port uint16) string {
	switch {
	case s.TargetURI != "":
		return s.TargetURI
	case s.SocketPath != "":
		return "unix:" + strings.TrimPrefix(s.SocketPath, "unix:")
	}
	return net.JoinHostPort(cmp.Or(s.Host, defaultHost), strconv.Itoa(int(port)))
}
