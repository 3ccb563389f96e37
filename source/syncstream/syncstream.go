// Package syncstream reads flags from a server of flagd.sync.v1, such as flagd
// or another sidecar, which pushes all of them whenever one changes.
//
// The stream is opened again whenever it ends, for ever: at once if it had
// brought flags, and otherwise after 1 to 30 seconds. A connection that was
// lost without a word is noticed, because the server is asked for a sign of
// life while it is silent, and the source counts flags as confirmed only up to
// the moment at which it last heard of it.
//
// A message that is not a document takes no flag away. The last good flags
// stay, and the source reports what is wrong.
package syncstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // lets servers compress: flags shrink to a tenth
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/flagline/flagline/source"
)

const (
	defaultMaxMessage = 64 << 20
	defaultKeepAlive  = 40 * time.Second
	minKeepAlive      = 10 * time.Second // gRPC raises what is less

	// connecting is how long one attempt to reach an address may take.
	connecting = 10 * time.Second
)

// A Config says which server to follow, and how. Only URI is required.
type Config struct {
	// URI is the server as flagd spells it: grpc://HOST:PORT,
	// grpcs://HOST:PORT for TLS, or HOST:PORT alone; dns:HOST:PORT or
	// dns://RESOLVER/HOST:PORT; unix:PATH, uds:PATH;
	// envoy://HOST:PORT/SERVICE for a service behind a proxy. Without a port
	// it is 443.
	URI string

	// Name replaces the name of the source, for programs that have several
	// sources of one server.
	Name string

	// Selector narrows what the server sends, as it understands it.
	// ProviderID tells the server who asks.
	Selector, ProviderID string

	// TLS asks for TLS where the URI does not. CAFile is a file with the
	// certificates, in PEM, of the authorities that the server must be vouched
	// for by; the default is the system's. It is read for each connection.
	TLS    bool
	CAFile string

	// AuthHeader is the value of the metadata "authorization"; Headers are
	// further metadata.
	AuthHeader string
	Headers    map[string]string

	// MaxMessage is how many bytes of flags are taken. The default is 64 MiB.
	MaxMessage int

	// KeepAlive is how long the server may be silent before it is asked for a
	// sign of life, which it has a third of that time to give. The default is
	// 40 seconds, and no less than 10 are taken. A server that says that it is
	// asked too often is asked half as often.
	KeepAlive time.Duration
}

// A Source delivers the flags of one server. It implements [source.Source],
// and may be watched from several goroutines.
type Source struct {
	cfg       Config
	target    target
	metadata  metadata.MD
	delivered atomic.Uint64
}

// New returns a source, or says what of cfg makes no sense. The server need
// not be within reach.
func New(cfg Config) (*Source, error) {
	at, err := parseTarget(cfg.URI)
	if err != nil {
		return nil, fmt.Errorf("the URI of a source: %w", err)
	}
	at.secure = at.secure || cfg.TLS
	s := &Source{cfg: cfg.complete(at), target: at, metadata: outgoing(cfg)}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", at.name, err)
	}
	return s, nil
}

// Name returns the URI without grpc:// or grpcs://, or the name that replaces
// it. The former is the name under which flagd knows the source, and the one
// that selectors use.
func (s *Source) Name() string { return s.cfg.Name }

// Watch implements [source.Source]. It never returns an error: whatever is
// wrong with the server may be mended.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	w := watch{source: s, sink: sink, keepAlive: s.cfg.KeepAlive}
	var p pace
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		begun := time.Now()
		got := w.follow(ctx)
		timer.Reset(p.wait(got, time.Since(begun)))
	}
}

func (c Config) complete(at target) Config {
	if c.Name == "" {
		c.Name = at.name
	}
	if c.MaxMessage == 0 {
		c.MaxMessage = defaultMaxMessage
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = defaultKeepAlive
	}
	c.KeepAlive = max(c.KeepAlive, minKeepAlive)
	return c
}

func (s *Source) check() error {
	switch {
	case s.cfg.MaxMessage < 0:
		return fmt.Errorf("the longest message has %d bytes; it is more than nothing", s.cfg.MaxMessage)
	case s.cfg.CAFile != "" && !s.target.secure:
		return errors.New("there is a file with authorities, but TLS is not asked for; say grpcs:// or turn TLS on")
	}
	for _, name := range slices.Sorted(maps.Keys(s.metadata)) {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || name == "" || strings.HasPrefix(name, "grpc-") {
			return fmt.Errorf("%q is not a name of gRPC metadata", name)
		}
		if !strings.HasSuffix(name, "-bin") && slices.ContainsFunc(s.metadata[name], func(v string) bool { return !printable(v) }) {
			return fmt.Errorf("the metadata %q are not printable ASCII", name)
		}
	}
	_, err := s.credentials()
	return err
}

// outgoing returns the metadata of every call. A selector that metadata cannot
// carry is in the request alone.
func outgoing(cfg Config) metadata.MD {
	md := metadata.MD{}
	if cfg.AuthHeader != "" {
		md.Set("authorization", cfg.AuthHeader)
	}
	if cfg.Selector != "" && printable(cfg.Selector) {
		md.Set("flagd-selector", cfg.Selector)
	}
	for name, value := range cfg.Headers {
		md.Set(name, value)
	}
	return md
}

func printable(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < ' ' || b > '~' })
}

func (s *Source) credentials() (credentials.TransportCredentials, error) {
	if !s.target.secure {
		return insecure.NewCredentials(), nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.cfg.CAFile != "" {
		pem, err := os.ReadFile(s.cfg.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificates: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: there is no certificate in this file", s.cfg.CAFile)
		}
	}
	return credentials.NewTLS(cfg), nil
}

// dial prepares a connection on which every sign of life is noted in heard.
func (s *Source) dial(keepAlive time.Duration, heard *atomic.Int64) (*grpc.ClientConn, error) {
	creds, err := s.credentials()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(listening{creds, heard}),
		grpc.WithUserAgent("flagline"),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connecting}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepAlive, Timeout: s.cfg.KeepAlive / 3}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(s.cfg.MaxMessage)),
	}
	if s.target.authority != "" {
		options = append(options, grpc.WithAuthority(s.target.authority))
	}
	return grpc.NewClient(s.target.dial, options...)
}
