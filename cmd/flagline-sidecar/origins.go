package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/flagline/flagline/source/httppoll"
	"github.com/flagline/flagline/source/natskv"
	"github.com/flagline/flagline/source/syncstream"
)

// An origin is one place that flags come from: a file, a URL, a server that
// pushes them, or an environment on NATS servers.
type origin struct {
	path                 string
	poll                 *httppoll.Config
	stream               *syncstream.Config
	servers, environment string

	incremental bool // whether flagd would keep what an update does not mention
}

// rename gives the origin's source another name, if it can have one.
func (o *origin) rename(name string) bool {
	switch {
	case o.poll != nil:
		cfg := *o.poll
		cfg.Name, o.poll = name, &cfg
	case o.stream != nil:
		cfg := *o.stream
		cfg.Name, o.stream = name, &cfg
	default:
		return false
	}
	return true
}

const (
	noCluster = "resources of Kubernetes are not read here; mount the flags as a file, " +
		"or let flagd-proxy read the resource and follow it with grpc://HOST:PORT"
	noStorage = "object storage is not read here; give an https:// URL of the object, " +
		"or let something copy the object into a file"

	taken = "file:, http://, https://, grpc://, grpcs://, envoy://, dns:, unix:, uds: and nats:// are taken"
)

// refusal says, of what flagd has and we do not, what to do instead.
func refusal(provider string) error {
	switch provider {
	case "kubernetes":
		return errors.New(noCluster)
	case "gcs", "gs", "azblob", "s3":
		return errors.New(noStorage)
	}
	return nil
}

// parseURI reads one source in flagd's spelling. Its errors never repeat what
// may be a secret.
func (s *settings) parseURI(uri string) (origin, error) {
	provider, err := providerOf(uri)
	if err != nil {
		return origin{}, err
	}
	return s.parseListing(listing{URI: uri, Provider: provider})
}

// providerOf returns who reads what a URI names.
func providerOf(uri string) (string, error) {
	scheme, _, found := strings.Cut(uri, ":")
	switch {
	case strings.HasPrefix(uri, "core.openfeature.dev/"):
		return "kubernetes", nil
	case !found && uri != "" && shown(uri) == uri:
		return "", fmt.Errorf("%s does not say what it is; for a file, say file:%s", uri, uri)
	case !found:
		return "", fmt.Errorf("a source says what it is, as this one does not; %s", taken)
	}
	switch scheme {
	case "file", "gs", "azblob", "s3":
		return scheme, nil
	case "nats", "tls":
		return "nats", nil
	case "http", "https":
		return "http", nil
	case "grpc", "grpcs", "envoy", "dns", "unix", "uds", "xds":
		return "grpc", nil
	}
	return "", fmt.Errorf("there is no source for %s: addresses; %s", scheme, taken)
}

func (s *settings) parseListing(l listing) (origin, error) {
	if l.URI == "" {
		return origin{}, errors.New("there is no uri")
	}
	if l.Provider == "" {
		var err error
		if l.Provider, err = providerOf(l.URI); err != nil {
			return origin{}, err
		}
	}
	if err := refusal(l.Provider); err != nil {
		return origin{}, err
	}
	if l.holdsCredentials() {
		return origin{}, errors.New(`the address holds credentials; put them into "authHeader" of --sources`)
	}
	var o origin
	var err error
	switch l.Provider {
	case "file", "fsnotify", "fileinfo":
		if o.path = strings.TrimPrefix(l.URI, "file:"); o.path == "" {
			err = errors.New("file: has no path behind it")
		}
	case "http":
		o.poll = l.poll()
		_, err = httppoll.New(*o.poll)
	case "grpc", "flagd-proxy":
		o.stream = l.stream()
		if _, err = syncstream.New(*o.stream); err == nil && l.lacksPort() {
			err = fmt.Errorf("%s has no port; flagd's sync port is 8015", l.URI)
		}
	case "nats":
		o, err = s.parseNATS(l.URI)
	default:
		err = fmt.Errorf(`there is no provider %q; there are "file", "http", "grpc" and "nats"`, l.Provider)
	}
	o.incremental = l.IncrementalUpdates
	return o, err
}

// holdsCredentials says whether an address has a user in it, as no source
// takes it. Those on NATS say so themselves.
func (l listing) holdsCredentials() bool {
	switch l.Provider {
	case "http":
		at, err := url.Parse(l.URI)
		return err == nil && at.User != nil
	case "grpc", "flagd-proxy":
		return strings.Contains(l.URI, "@")
	}
	return false
}

// lacksPort says whether a server is asked in plain text at no port. The one
// that gRPC takes then is for TLS.
func (l listing) lacksPort() bool {
	host, named := strings.CutPrefix(l.URI, "grpc://")
	if l.TLS || !named && strings.Contains(host, ":") {
		return false // or another form of address
	}
	_, _, err := net.SplitHostPort(host)
	return err != nil
}

func (l listing) authorization() string {
	if token := cmp.Or(l.BearerToken, l.FormerBearer); l.AuthHeader == "" && token != "" {
		return "Bearer " + token
	}
	return l.AuthHeader
}

func (l listing) poll() *httppoll.Config {
	cfg := &httppoll.Config{
		URI:          l.URI,
		Interval:     seconds(l.Interval),
		IntervalSeed: l.IntervalSeed,
		Timeout:      seconds(l.TimeoutS),
		AuthHeader:   l.authorization(),
		Headers:      l.Headers,
		CAFile:       l.CertPath,
	}
	if l.OAuth != nil {
		cfg.OAuth = &httppoll.OAuth{
			TokenURL:     l.OAuth.TokenURL,
			ClientID:     l.OAuth.ClientID,
			ClientSecret: l.OAuth.ClientSecret,
			Folder:       l.OAuth.Folder,
			ReloadDelay:  seconds(int64(l.OAuth.ReloadDelayS)),
		}
	}
	return cfg
}

func (l listing) stream() *syncstream.Config {
	return &syncstream.Config{
		URI:        l.URI,
		Selector:   l.Selector,
		ProviderID: l.ProviderID,
		TLS:        l.TLS,
		CAFile:     l.CertPath,
		AuthHeader: l.authorization(),
		Headers:    l.Headers,
		MaxMessage: l.MaxMsgSize,
	}
}

// seconds returns n seconds, or as many as there can be.
func seconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(max(n, -most), most)) * time.Second
}

var errCredentials = errors.New("an address holds credentials; put them into a file and name it with --nats-creds")

// parseNATS reads nats://host:port,host:port/environment. The environment may
// come from its own setting instead, but the two must not differ.
func (s *settings) parseNATS(uri string) (origin, error) {
	servers, environment, err := natskv.ParseURI(uri)
	switch {
	case errors.Is(err, natskv.ErrCredentials):
		return origin{}, errCredentials
	case err != nil:
		return origin{}, err
	case environment != "" && s.environment != "" && environment != s.environment:
		return origin{}, fmt.Errorf("the address says environment %q, and --environment %q", environment, s.environment)
	}
	environment = cmp.Or(environment, s.environment)
	if environment == "" {
		return origin{}, errors.New("there is no environment; append it, as in nats://HOST:PORT/prod, or give --environment")
	}
	return origin{servers: servers, environment: environment}, nil
}
