package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/flagline/flagline/sidecar"
)

// The doors of a sidecar, as settings name them.
const (
	evaluationDoor = "evaluation"
	syncDoor       = "sync"
	ofrepDoor      = "ofrep"
	managementDoor = "management"

	listeners = evaluationDoor + ", " + syncDoor + ", " + ofrepDoor + ", " + managementDoor
)

// checkAccess says what makes no sense in what the settings say of addresses,
// TLS and tokens, which are better refused than served to people who rely on
// them.
func (s *settings) checkAccess(flags *pflag.FlagSet) error {
	if s.socketPath != "" && s.socketPath == s.syncSocketPath {
		return fmt.Errorf("--socket-path and --sync-socket-path are both %s; each needs one of its own", s.socketPath)
	}
	for setting, names := range map[string][]string{"tls-listeners": s.tlsListeners, "auth-listeners": s.authListeners} {
		for _, name := range names {
			if !slices.Contains(strings.Split(listeners, ", "), name) {
				return fmt.Errorf("--%s: there is no listener %q; there are %s", setting, name, listeners)
			}
		}
	}
	return cmp.Or(s.checkTLS(flags), s.checkTokens(flags), s.checkOrigins())
}

// checkOrigins refuses what no page is ever of, such as an address with a path:
// its pages would be turned away and nobody would know why.
func (s *settings) checkOrigins() error {
	for _, pattern := range s.corsOrigins {
		if !isOrigin(pattern) {
			return fmt.Errorf(`--cors-origin: %q is no origin, which is scheme://host[:port]; one "*" in it stands for anything`, cmp.Or(shown(pattern), "…"))
		}
	}
	return nil
}

// isOrigin says whether a browser could send an origin that a pattern covers.
func isOrigin(pattern string) bool {
	if pattern == "*" || pattern == "null" { // as pages without an origin send it
		return true
	}
	before, after, wild := strings.Cut(pattern, "*")
	switch {
	case wild && before == "" && strings.Contains(after, "://"):
		pattern = "a" + after
	case wild && before == "":
		pattern = "a://1" + after
	case wild:
		pattern = before + "1" + after // which a host and a port may hold
	}
	u, err := url.Parse(pattern)
	return err == nil && u.Scheme != "" && u.Hostname() != "" && !strings.ContainsAny(u.Host, "* ") &&
		strings.EqualFold(pattern, u.Scheme+"://"+u.Host)
}

func (s *settings) checkTLS(flags *pflag.FlagSet) error {
	switch {
	case s.certPath == "" && s.keyPath != "":
		return errors.New("--server-key-path needs the certificate of that key; name it with --server-cert-path")
	case s.certPath != "" && s.keyPath == "":
		return errors.New("--server-cert-path needs the key of that certificate; name it with --server-key-path")
	case s.certPath == "" && s.clientCAPath != "":
		return errors.New("--client-ca-path needs TLS; name a certificate and its key with --server-cert-path and --server-key-path")
	case s.certPath == "" && flags.Changed("tls-listeners"):
		return errors.New("--tls-listeners needs TLS; name a certificate and its key with --server-cert-path and --server-key-path")
	case s.certPath != "" && len(s.tlsListeners) == 0:
		return errors.New("there is a certificate, and no listener that shows it; name one with --tls-listeners")
	}
	return nil
}

func (s *settings) checkTokens(flags *pflag.FlagSet) error {
	switch {
	case s.authTokenPath == "" && flags.Changed("auth-listeners"):
		return errors.New("--auth-listeners needs tokens; name a file that holds them with --auth-token-path")
	case s.authTokenPath != "" && len(s.authListeners) == 0:
		return errors.New("there are tokens, and no listener that asks for them; name one with --auth-listeners")
	}
	return nil
}

// door returns the door with a name. A socket, if there is one, takes the place
// of the port.
func (s *settings) door(name string, port uint16, socket string) sidecar.Door {
	host := s.bind
	if name != managementDoor {
		host = cmp.Or(host, "127.0.0.1")
	}
	d := sidecar.Door{Address: net.JoinHostPort(host, strconv.Itoa(int(port)))}
	if socket != "" {
		d.Address = "unix:" + socket
	}
	if slices.Contains(s.tlsListeners, name) {
		d.CertFile, d.KeyFile, d.ClientCAFile = s.certPath, s.keyPath, s.clientCAPath
	}
	if slices.Contains(s.authListeners, name) {
		d.TokenFile = s.authTokenPath
	}
	return d
}
