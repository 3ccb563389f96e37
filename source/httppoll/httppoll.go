// Package httppoll reads flags from a flagd document behind a URL, JSON or
// YAML, and delivers it again whenever it changes.
//
// The document is asked for in regular intervals. A server that gives out
// ETags is asked only for what is new; of others, the bytes are compared. Where
// many programs ask one server, each has its own place within the interval, so
// that they do not come at the same moment.
//
// An answer that is late, cut off, too long or not a document takes no flag
// away. The last good flags stay, and the source reports what is wrong and asks
// again. Errors name the URL without its query, which may hold a secret.
package httppoll

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/flagline/flagline/source"
)

const (
	defaultInterval = 5 * time.Second
	maxInterval     = 24 * time.Hour
	defaultTimeout  = 10 * time.Second
	defaultMaxBytes = 64 << 20
)

// A Config says where the document is and how to ask for it. Only URI is
// required.
type Config struct {
	// URI is an http or https URL. It is the name of the source as well, so
	// that a secret belongs into AuthHeader or Headers rather than into its
	// query; a user and password in it are refused.
	URI string

	// Name replaces URI as the name of the source, for programs that have
	// several sources of one URI.
	Name string

	// Interval is how often to ask. The default is 5 seconds, and no more
	// than a day is taken.
	Interval time.Duration

	// IntervalSeed decides at which moment of the interval to ask: the same
	// seed asks at the same moment after every start. Without one the moment
	// is random.
	IntervalSeed string

	// Timeout is how long one answer may take, from the question to its last
	// byte. The default is 10 seconds.
	Timeout time.Duration

	// MaxBytes is how long the document may be. The default is 64 MiB.
	MaxBytes int64

	// AuthHeader is the value of the header Authorization, and Headers are
	// further ones. Neither follows a redirect to another host.
	AuthHeader string
	Headers    map[string]string

	// OAuth, unless nil, gets the value of the header Authorization from a
	// token server, and AuthHeader is not looked at.
	OAuth *OAuth

	// CAFile is a file with the certificates, in PEM, of the authorities that
	// a server of an https URL must be vouched for by. The default is the
	// system's. It is read once.
	CAFile string
}

// OAuth says how to get a token with client credentials.
type OAuth struct {
	TokenURL     string
	ClientID     string
	ClientSecret string

	// Folder is a directory with the files client-id and client-secret,
	// whose contents, without white space around them, are then used instead.
	// They are read again before a question if it is longer than ReloadDelay
	// ago that they were.
	Folder      string
	ReloadDelay time.Duration
}

// A Source delivers the flags behind one URL. It implements [source.Source],
// and may be watched from several goroutines.
type Source struct {
	cfg       Config
	shown     string        // the URL, for errors
	phase     time.Duration // within the interval
	client    *http.Client
	tokens    *http.Client // asks for tokens
	delivered atomic.Uint64
}

// New returns a source, or says what of cfg makes no sense. The server need
// not be within reach.
func New(cfg Config) (*Source, error) {
	at, err := parseURL(cfg.URI)
	if err != nil {
		return nil, fmt.Errorf("the URI of a source: %w", err)
	}
	if cfg, err = cfg.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", shown(at), err)
	}
	s := &Source{cfg: cfg, shown: shown(at), phase: phaseOf(cfg.IntervalSeed, cfg.Interval)}
	if s.client, s.tokens, err = clients(cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", shown(at), err)
	}
	return s, nil
}

// Name returns the URI, or the name that replaces it. The former is the name
// under which flagd knows the source, and the one that selectors use.
func (s *Source) Name() string { return s.cfg.Name }

// Watch implements [source.Source]. It never returns an error: whatever is
// wrong with the server may be mended.
func (s *Source) Watch(ctx context.Context, sink source.Sink) error {
	defer s.client.CloseIdleConnections()
	defer s.tokens.CloseIdleConnections()
	w := watch{source: s, sink: sink, tokens: tokens{client: s.tokens, cfg: s.cfg.OAuth}}
	p := pace{interval: s.cfg.Interval, phase: s.phase}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			err := w.poll(ctx)
			timer.Reset(p.wait(time.Now(), err))
		}
	}
}

// complete returns the configuration with its defaults, or says what is wrong
// with it.
func (c Config) complete() (Config, error) {
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.Name == "" {
		c.Name = c.URI
	}
	switch {
	case c.Interval < 0 || c.Interval > maxInterval:
		return c, fmt.Errorf("the interval is %v; it is more than nothing and at most %v", c.Interval, maxInterval)
	case c.Timeout < 0:
		return c, fmt.Errorf("the timeout is %v; it is more than nothing", c.Timeout)
	case c.MaxBytes < 0:
		return c, fmt.Errorf("the longest document has %d bytes; it is more than nothing", c.MaxBytes)
	}
	if err := checkHeaders(c); err != nil {
		return c, err
	}
	return c, c.OAuth.check()
}

func (o *OAuth) check() error {
	if o == nil {
		return nil
	}
	if _, err := parseURL(o.TokenURL); err != nil {
		return fmt.Errorf("the token URL: %w", err)
	}
	if o.Folder == "" && (o.ClientID == "" || o.ClientSecret == "") {
		return errors.New("a token needs a client ID and a client secret, or a folder that has them in files")
	}
	return nil
}

// parseURL reads a URL without repeating it, because it may hold a secret.
func parseURL(text string) (*url.URL, error) {
	at, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("this is not a URL")
	case at.User != nil:
		return nil, errors.New("the URL holds credentials; put them into a header")
	case at.Scheme != "http" && at.Scheme != "https", at.Host == "":
		return nil, errors.New("a URL begins with http:// or https:// and a host, which this one does not")
	}
	return at, nil
}

// shown returns as much of a URL as anybody may see.
func shown(at *url.URL) string { return at.Scheme + "://" + at.Host + at.EscapedPath() }

// phaseOf returns at which moment of the interval to ask. For intervals of
// whole seconds it is the moment that flagd derives from the same seed.
func phaseOf(seed string, interval time.Duration) time.Duration {
	if seed == "" {
		return rand.N(interval)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(seed)) // a hash takes everything
	return time.Duration(h.Sum32()) * time.Second % interval
}
