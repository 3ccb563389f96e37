package provider

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"

	"github.com/flagline/flagline/internal/clienttls"
	"github.com/flagline/flagline/source"
	"github.com/flagline/flagline/source/file"
)

// An Option changes how a provider behaves. The zero set of options is the
// recommended one. A value that makes no sense is reported by [New].
//
// An option counts before what the environment says of the same thing. Options
// that say where flags come from count before everything that the environment
// says of that.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// WithSidecar makes the provider ask the sidecar at addr for each evaluation:
// host:port, or unix:PATH for a socket in the file system, or a target as gRPC
// has it, such as dns:///host:port, or envoy://host:port/service for a service
// behind a proxy. Any server of flagd's evaluation protocol will do. It cannot be
// combined with [WithSyncStream], [WithFile] and [WithSource]. The default is
// localhost:8013.
func WithSidecar(addr string) Option {
	return optionFunc(func(s *settings) {
		s.choose()
		s.sidecar = addr
		s.refuse(addr == "", "sidecar address: it is empty")
	})
}

// WithSyncStream makes the provider answer in-process from the flags that the
// server at addr pushes by flagd's sync protocol: a sidecar or a flagd, at its
// port 8015. addr is spelled as in [WithSidecar].
func WithSyncStream(addr string) Option {
	return optionFunc(func(s *settings) {
		s.choose()
		s.streams = true
		s.feeds = append(s.feeds, func(s *settings) (source.Source, error) { return s.syncStream(addr) })
	})
}

// WithFile makes the provider answer in-process from a file in flagd's
// format, JSON or YAML by its extension, and follow the file's changes. It
// can be given several times and together with [WithSource]: where two hold
// the same flag, the option given later wins.
func WithFile(path string) Option {
	return optionFunc(func(s *settings) {
		s.choose()
		s.refuse(path == "", "flag file: the path is empty")
		s.feeds = append(s.feeds, func(s *settings) (source.Source, error) {
			return file.New(path, file.WithInterval(s.pollInterval)), nil
		})
	})
}

// WithSource makes the provider answer in-process from src, such as an
// environment on NATS (package source/natskv). It can be given several times:
// where two sources hold the same flag, the one given later wins. The provider
// watches src from initialisation to shutdown, and src must not be watched by
// anybody else meanwhile.
func WithSource(src source.Source) Option {
	return optionFunc(func(s *settings) {
		s.choose()
		s.refuse(src == nil, "flag source: the source is nil")
		s.feeds = append(s.feeds, func(*settings) (source.Source, error) { return src, nil }) // nil is passed over
	})
}

// WithDefaultSource makes the provider answer in-process from the source that open
// makes, unless another option says where flags come from; what the environment
// says of that does not count. It is for packages that choose a source for their
// users. open gets the provider's logger, and connects to nothing. The source takes
// its own default for [WithDeadline] along, unless that is 0.
func WithDefaultSource(deadline time.Duration, open func(*slog.Logger) (source.Source, error)) Option {
	return optionFunc(func(s *settings) {
		if open == nil {
			s.errs = append(s.errs, errors.New("default source: there is nothing to open it with"))
			return
		}
		s.fallback = func(s *settings) (source.Source, error) { return open(s.logger) }
		s.fallbackDeadline = deadline
	})
}

// WithSelector narrows which flags there are: flagSetId=NAME for those of one
// flag set, or whatever else the server of flags understands. In-process, where
// flags do not come from a server that selects them, source=NAME selects those of
// one source. The default is all flags.
func WithSelector(selector string) Option {
	return optionFunc(func(s *settings) { s.selector = selector })
}

// WithProviderID tells a server of the sync protocol who asks. The default is
// nothing.
func WithProviderID(id string) Option {
	return optionFunc(func(s *settings) { s.providerID = id })
}

// TLS says what to speak TLS with. The zero TLS trusts whom the system trusts.
// Files are PEM; they are read for each connection, so that they can be replaced
// while the program runs.
type TLS struct {
	CAFile            string // authorities, one of which must vouch for the server
	CertFile, KeyFile string // what the server is shown, if it asks: mutual TLS
	ServerName        string // what its certificate must say; the default is the host's name
}

// WithTLS makes the provider speak TLS, 1.2 at least, to the sidecar or the
// server of the sync protocol. The default is plain text.
func WithTLS(t TLS) Option {
	return optionFunc(func(s *settings) {
		s.tls = &clienttls.Files{CA: t.CAFile, Cert: t.CertFile, Key: t.KeyFile, ServerName: t.ServerName}
	})
}

// WithDialOptions adds options of gRPC to those with which the provider connects
// to a sidecar or a server of the sync protocol, for what no option here foresees:
// a stats handler for traces, credentials for each call, a dialer. Where they
// contradict the provider's own, they win. In sidecar mode they have all questions
// go by gRPC, which costs more processor time than the provider's own way. They must
// not make an answer depend on who asks: answers are kept and shared.
func WithDialOptions(opts ...grpc.DialOption) Option {
	return optionFunc(func(s *settings) { s.dialOptions = append(s.dialOptions, opts...) })
}

// WithCache bounds how many answers are kept in sidecar mode; 0 keeps none. The
// default is 1000. See the package documentation for which answers are kept,
// and how long.
func WithCache(entries int) Option {
	return optionFunc(func(s *settings) {
		s.cache = entries
		s.refuse(entries < 0, "cache of %d answers: it must not be negative", entries)
	})
}

// WithDeadline bounds how long an initialisation waits for the first flags,
// and, in sidecar mode, how long an evaluation waits for its answer, where
// the caller's context does not bound it further. The default is 500 ms.
func WithDeadline(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.deadline, s.hurried = d, true })
}

// WithStreamDeadline sets after how long the stream of changes is opened anew, so
// that one that is dead without looking so does not last. Nothing is missed
// meanwhile. The default is 10 minutes; 0 is never.
func WithStreamDeadline(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.streamDeadline = d })
}

// WithKeepAlive sets how long a connection may be silent before the server is
// asked for a sign of life, which it has a third of that time to give. The default
// is 30 s, below which servers may refuse; gRPC raises what is less than 10 s.
func WithKeepAlive(d time.Duration) Option {
	return optionFunc(func(s *settings) {
		s.refuse(d < 0, "keep-alive %v: it must not be negative", d)
		s.keepAlive = cmp.Or(d, defaultKeepAlive)
	})
}

// WithRetryBackoff sets how long the provider waits before it opens a lost
// stream anew: least at first, then twice as long each time, up to most. The
// defaults are 1 s and 5 s.
func WithRetryBackoff(least, most time.Duration) Option {
	return optionFunc(func(s *settings) { s.minBackoff, s.maxBackoff = least, most })
}

// WithGracePeriod sets how long the provider is STALE before it reports
// ERROR. The default is 10 s.
func WithGracePeriod(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.grace = d })
}

// WithStaleAfter sets how long in-process flags count as fresh after their
// source last confirmed them. Older ones go on answering while the provider
// reports itself STALE. The default is 5 minutes. It must be well above how often
// a source hears of its origin: for a quiet sync stream that is the keep-alive.
func WithStaleAfter(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.staleAfter = d })
}

// WithPollInterval sets how often files are looked at when nothing announces a
// change. The default is a second.
func WithPollInterval(d time.Duration) Option {
	return optionFunc(func(s *settings) { s.pollInterval = d })
}

// WithFatalStatusCodes names gRPC codes, such as "UNAUTHENTICATED", that end an
// initialisation for good: the provider becomes FATAL and stops trying. Once it
// has been READY no code is fatal any more. The default is none.
func WithFatalStatusCodes(names ...string) Option {
	return optionFunc(func(s *settings) {
		s.fatal = names
		for _, name := range names {
			if _, err := parseCode(name); err != nil {
				s.errs = append(s.errs, err)
			}
		}
	})
}

// WithContextEnricher replaces how the context that a server of the sync protocol
// sends along with its flags joins that of each evaluation, where it replaces what
// the caller says. enrich gets what the server sent, nil if nothing, and returns
// what is added; it may return its argument, which is what happens by default. It
// is called when the server's context changes, not for each evaluation.
func WithContextEnricher(enrich func(syncContext map[string]any) map[string]any) Option {
	return optionFunc(func(s *settings) {
		if s.enrich = enrich; enrich == nil {
			s.errs = append(s.errs, errors.New("context enricher: it is nil"))
		}
	})
}

// WithName replaces the name that the provider has in metadata and events. The
// default is "flagline".
func WithName(name string) Option {
	return optionFunc(func(s *settings) { s.name = name })
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

// WithoutEnvironment makes the provider read no environment variable.
func WithoutEnvironment() Option {
	return optionFunc(func(s *settings) { s.hermetic = true })
}

func (s *settings) refuse(wrong bool, format string, args ...any) {
	if wrong {
		s.errs = append(s.errs, fmt.Errorf(format, args...))
	}
}
