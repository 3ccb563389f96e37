package syncstream

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc/resolver"
)

// A target is a URI as gRPC understands it.
type target struct {
	name      string // of the source
	dial      string
	authority string // "" is what follows from dial
	secure    bool
}

// parseTarget reads a URI in flagd's spelling. Its errors never repeat what may
// be a secret.
func parseTarget(uri string) (target, error) {
	if strings.Contains(uri, "@") {
		return target{}, errors.New("the address holds credentials; put them into a header")
	}
	scheme, rest, _ := strings.Cut(uri, ":")
	bare, slashes := strings.CutPrefix(rest, "//")
	switch {
	case (scheme == "dns" || scheme == "unix" || scheme == "unix-abstract") && bare != "":
		return target{name: uri, dial: uri}, nil
	case scheme == "uds" && bare != "":
		return target{name: uri, dial: "unix:" + rest}, nil
	case scheme == "xds" && resolver.Get(scheme) == nil:
		return target{}, errors.New("xds: is not spoken here; name the server itself, as in dns:HOST:PORT")
	case !slashes:
		return hostPort(uri, false) // the host may well be called grpc
	case scheme == "grpc" || scheme == "grpcs":
		return hostPort(bare, scheme == "grpcs")
	case scheme == "envoy":
		return behindEnvoy(uri)
	case resolver.Get(scheme) != nil && bare != "":
		return target{name: uri, dial: uri}, nil // the program that links it knows why
	}
	return target{}, fmt.Errorf("%s:// is no address of a server of flags; grpc, grpcs, dns, unix, uds and envoy are", scheme)
}

func hostPort(at string, secure bool) (target, error) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		host, port = strings.Trim(at, "[]"), "443" // as gRPC has it
	}
	if host == "" || port == "" || strings.ContainsAny(at, "/?# ") {
		return target{}, errors.New("this is not the address of a server, which is HOST:PORT")
	}
	// The name is looked up for each connection, which is for each stream.
	return target{name: at, dial: "passthrough:///" + at, secure: secure}, nil
}

// behindEnvoy reads envoy://host:port/service: the service is asked for by
// name, at the address of a proxy.
func behindEnvoy(uri string) (target, error) {
	at, err := url.Parse(uri)
	if err != nil || at.Hostname() == "" || at.Port() == "" {
		return target{}, errors.New("an address of a proxy is envoy://HOST:PORT/SERVICE")
	}
	service := strings.TrimPrefix(at.Path, "/")
	if service == "" || strings.ContainsFunc(service, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }) {
		return target{}, errors.New("an address of a proxy is envoy://HOST:PORT/SERVICE")
	}
	return target{name: uri, dial: "passthrough:///" + at.Host, authority: service}, nil
}
