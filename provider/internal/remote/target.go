package remote

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/resolver"
)

// A target is an address as gRPC understands it.
type target struct {
	dial      string
	authority string // "" is what follows from dial
}

var errSpelling = errors.New("write host:port, unix:PATH, or a target as gRPC has it, such as dns:///host:port or envoy://host:port/service")

// parseTarget reads an address. A name is looked up each time that a connection is
// made: gRPC's own lookup asks no more than every 30 seconds, which is a long
// time for a server that has moved.
func parseTarget(addr string) (target, error) {
	wrong := func(err error) (target, error) { return target{}, fmt.Errorf("sidecar address %q: %w", addr, err) }
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" {
			return wrong(errors.New("the path of the socket is missing"))
		}
		return target{dial: "unix:" + path, authority: "localhost"}, nil
	}
	scheme, rest, ok := strings.Cut(addr, ":")
	if ok && scheme == "envoy" && strings.HasPrefix(rest, "//") {
		return behindEnvoy(addr)
	}
	if ok && (strings.HasPrefix(rest, "//") || scheme == "dns" || scheme == "unix-abstract") && rest != "" {
		if _, port := strconv.ParseUint(rest, 10, 16); port != nil { // else it is a host called like a scheme
			if resolver.Get(scheme) == nil {
				return wrong(fmt.Errorf("nothing that this program links understands %s:; %w", scheme, errSpelling))
			}
			return target{dial: addr}, nil
		}
	}
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" || strings.ContainsAny(host, "/?#@ ") {
		return wrong(errSpelling)
	}
	return target{dial: "passthrough:///" + addr}, nil
}

// behindEnvoy reads envoy://host:port/service: the service is asked for by name,
// at the address of a proxy.
func behindEnvoy(addr string) (target, error) {
	at, err := url.Parse(addr)
	if err != nil || at.Hostname() == "" || at.Port() == "" || at.User != nil ||
		strings.Count(at.Path, "/") != 1 || at.Path == "/" || !httpguts.ValidHostHeader(at.Path[1:]) {
		return target{}, fmt.Errorf("sidecar address %q: a server behind a proxy is envoy://host:port/service", addr)
	}
	return target{dial: "passthrough:///" + at.Host, authority: at.Path[1:]}, nil
}
