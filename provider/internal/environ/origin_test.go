package environ_test

import (
	"strings"
	"testing"

	"github.com/flagline/flagline/provider/internal/environ"
)

func TestOriginFollowsFlagdsRules(t *testing.T) {
	sidecar := func(address string) environ.Origin {
		return environ.Origin{Mode: environ.Sidecar, Address: address}
	}
	stream := func(address string) environ.Origin {
		return environ.Origin{Mode: environ.SyncStream, Address: address}
	}
	file := environ.Origin{Mode: environ.File, Path: "flags.json"}
	for _, row := range []struct {
		e    env
		want environ.Origin
	}{
		{env{}, sidecar("localhost:8013")},
		{env{"FLAGD_HOST": "flagd"}, sidecar("flagd:8013")},
		{env{"FLAGD_HOST": "::1", "FLAGD_PORT": "9013"}, sidecar("[::1]:9013")},
		{env{"FLAGD_SYNC_PORT": "9015"}, sidecar("localhost:8013")},
		{env{"FLAGD_RESOLVER": "rpc", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": "flags.json"}, sidecar("localhost:8013")},
		{env{"FLAGD_SOCKET_PATH": "/run/flagd.sock", "FLAGD_HOST": "flagd"}, sidecar("unix:/run/flagd.sock")},
		{env{"FLAGD_SOCKET_PATH": "unix:/run/flagd.sock"}, sidecar("unix:/run/flagd.sock")},
		{env{"FLAGD_TARGET_URI": "envoy://proxy:9211/flags", "FLAGD_SOCKET_PATH": "/run/flagd.sock"}, sidecar("envoy://proxy:9211/flags")},

		{env{"FLAGD_RESOLVER": "in-process"}, stream("localhost:8015")},
		{env{"FLAGD_RESOLVER": "in-process", "FLAGD_PORT": "9013"}, stream("localhost:9013")},
		{env{"FLAGD_RESOLVER": "in-process", "FLAGD_PORT": "9013", "FLAGD_SYNC_PORT": "9015"}, stream("localhost:9015")},
		{env{"FLAGD_RESOLVER": "in-process", "FLAGD_SOCKET_PATH": "/run/flagd.sock"}, stream("unix:/run/flagd.sock")},
		{env{"FLAGD_RESOLVER": "in-process", "FLAGD_TARGET_URI": "dns:///flagd:8015", "FLAGD_HOST": "x"}, stream("dns:///flagd:8015")},

		{env{"FLAGD_RESOLVER": "in-process", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": "flags.json"}, file},
		{env{"FLAGD_RESOLVER": "file", "FLAGD_OFFLINE_FLAG_SOURCE_PATH": "flags.json"}, file},
	} {
		got, err := read(t, row.e).Origin()
		if err != nil || got != row.want {
			t.Errorf("Origin of %v = %+v, %v, want %+v", row.e, got, err, row.want)
		}
	}
}

func TestFileWithoutAPathIsAMistake(t *testing.T) {
	_, err := read(t, env{"FLAGD_RESOLVER": "file"}).Origin()
	if err == nil || !strings.Contains(err.Error(), "FLAGD_OFFLINE_FLAG_SOURCE_PATH") {
		t.Errorf("Origin returned %v, want an error that names the variable", err)
	}
}
