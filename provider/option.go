package provider

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

// What a provider does unless told otherwise.
const (
	defaultSidecar    = "localhost:8013"
	defaultDeadline   = 500 * time.Millisecond
	defaultMinBackoff = time.Second
	defaultMaxBackoff = 5 * time.Second
	defaultGrace      = 10 * time.Second
	defaultStaleAfter = 5 * time.Minute
)

// An Option changes how a provider behaves. The zero set of options is the
// recommended one. A value that makes no sense is reported by [New].
type Option interface{ apply(*settings) }

type settings struct {
	network, address string // of the sidecar; empty if not given
	sources          []source.Source
	logger           *slog.Logger
	deadline         time.Duration
	minBackoff       time.Duration
	maxBackoff       time.Duration
	grace            time.Duration
	staleAfter       time.Duration
	errs             []error
}

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// WithSidecar makes the provider ask the sidecar at addr, which is host:port,
// or unix:PATH for a socket in the file system. It cannot be combined with
// [WithFile] and [WithSource]. The default is localhost:8013.
func WithSidecar(addr string) Option {
	return optionFunc(func(s *settings) {
		network, address, err := parseAddress(addr)
		if err != nil {
			s.errs = append(s.errs, err)
			return
		}
		s.network, s.address = network, address
	})
}

// WithFile makes the provider answer in-process from a file in flagd's
// format, JSON or YAML by its extension, and follow the file's changes. It
// can be given several times and together with [WithSource]: where two hold
// the same flag, the option given later wins.
func WithFile(path string) Option {
	return optionFunc(func(s *settings) {
		if path == "" {
			s.errs = append(s.errs, errors.New("flag file: the path is empty"))
			return
		}
		s.sources = append(s.sources, file.New(path))
	})
}

// WithSource makes the provider answer in-process from src. It can be given
// several times: where two sources hold the same flag, the one given later
// wins. The provider watches src from initialisation to shutdown, and src
// must not be watched by anybody else meanwhile.
func WithSource(src source.Source) Option {
	return optionFunc(func(s *settings) {
		if src == nil {
			s.errs = append(s.errs, errors.New("flag source: the source is nil"))
			return
		}
		s.sources = append(s.sources, src)
	})
}

// WithLogger makes the provider log changes of its state, and flags that do
// not compile, to l. It never logs an evaluation. The default is silence.
func WithLogger(l *slog.Logger) Option {
	return optionFunc(func(s *settings) {
		if l != nil {
			s.logger = l
		}
	})
}

// WithDeadline bounds how long an initialisation waits for the first flags,
// and, in sidecar mode, how long an evaluation waits for its answer, where
// the caller's context does not bound it further. The default is 500 ms.
func WithDeadline(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.deadline = d })
}

// WithStaleAfter sets how long in-process flags count as fresh after their
// source last confirmed them. Older ones go on answering while the provider
// reports itself STALE. The default is 5 minutes.
func WithStaleAfter(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.staleAfter = d })
}

// WithRetryBackoff sets how long the provider waits before it opens a lost
// stream to the sidecar anew: least at first, then twice as long each time,
// up to most. The defaults are 1 s and 5 s.
func WithRetryBackoff(least, most time.Duration) Option {
	return optionFunc(func(s *settings) { s.minBackoff, s.maxBackoff = least, most })
}

// WithGracePeriod sets how long the provider is STALE before it reports
// ERROR. The default is 10 s.
func WithGracePeriod(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.grace = d })
}

func newSettings(opts []Option) (settings, error) {
	s := settings{
		logger:     slog.New(slog.DiscardHandler),
		deadline:   defaultDeadline,
		minBackoff: defaultMinBackoff,
		maxBackoff: defaultMaxBackoff,
		grace:      defaultGrace,
		staleAfter: defaultStaleAfter,
	}
	for _, opt := range opts {
		opt.apply(&s)
	}
	s.check()
	if s.network == "" {
		s.network, s.address = "tcp", defaultSidecar
	}
	return s, errors.Join(s.errs...)
}

func (s *settings) check() {
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			s.errs = append(s.errs, fmt.Errorf(format, args...))
		}
	}
	refuse(s.network != "" && len(s.sources) > 0,
		"a provider asks a sidecar or answers in-process: WithSidecar excludes WithFile and WithSource")
	refuse(s.deadline <= 0, "deadline %v: it must be positive", s.deadline)
	refuse(s.staleAfter <= 0, "stale after %v: it must be positive", s.staleAfter)
	refuse(s.grace < 0, "grace period %v: it must not be negative", s.grace)
	refuse(s.minBackoff <= 0, "retry backoff %v: it must be positive", s.minBackoff)
	refuse(s.maxBackoff < s.minBackoff,
		"retry backoff from %v to %v: the longest must not be below the shortest", s.minBackoff, s.maxBackoff)

	seen := make(map[string]bool)
	for _, src := range s.sources {
		refuse(seen[src.Name()], "source %q is given twice", src.Name())
		seen[src.Name()] = true
	}
}

func parseAddress(addr string) (network, address string, err error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if path = strings.TrimPrefix(path, "//"); path == "" {
			return "", "", fmt.Errorf("sidecar address %q: the path of the socket is missing", addr)
		}
		return "unix", path, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" || strings.Contains(host, "/") {
		return "", "", fmt.Errorf("sidecar address %q: write host:port or unix:PATH", addr)
	}
	return "tcp", addr, nil
}
